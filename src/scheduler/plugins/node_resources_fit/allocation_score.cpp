#include "scheduler/plugins/node_resources_fit/allocation_score.h"

#include <algorithm>
#include <cmath>

#include "scheduler/framework/plugin.h"

namespace pintle::scheduler::plugins {

namespace {
constexpr int64_t custom_score_max = 10;  // of shape points in the configuration
}  // namespace

std::vector<WeightedResource> weighted_resources(const std::vector<api::kubeschedulerconfig_v1::ResourceSpec>& specs) {
  if (specs.empty()) return {{"cpu", 1}, {"memory", 1}};
  std::vector<WeightedResource> out;
  for (const auto& spec : specs) out.push_back({spec.name, spec.weight == 0 ? 1 : spec.weight});
  return out;
}

void usages_of(const NodeInfo& node, std::span<const WeightedResource> resources, std::span<const int64_t> pod_requests, bool non_zero,
               std::span<Usage> out) {
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const std::string& name = resources[i].name;
    Usage usage;
    if (name == "cpu")
      usage = {node.allocatable.milli_cpu, non_zero ? node.non_zero_milli_cpu : node.requested.milli_cpu};
    else if (name == "memory")
      usage = {node.allocatable.memory, non_zero ? node.non_zero_memory : node.requested.memory};
    else if (name == "ephemeral-storage")
      usage = {node.allocatable.ephemeral_storage, node.requested.ephemeral_storage};
    else if (pod_requests[i] != 0)
      usage = {node.allocatable.get(name), node.requested.get(name)};
    usage.requested = usage.allocated + pod_requests[i];
    out[i] = usage;
  }
}

int64_t least_allocated_score(std::span<const Usage> usages, std::span<const WeightedResource> resources) {
  int64_t sum = 0, weights = 0;
  for (std::size_t i = 0; i < usages.size(); ++i) {
    const Usage& u = usages[i];
    if (u.allocatable == 0) continue;
    if (u.requested <= u.allocatable) sum += (u.allocatable - u.requested) * node_score_max / u.allocatable * resources[i].weight;
    weights += resources[i].weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

int64_t most_allocated_score(std::span<const Usage> usages, std::span<const WeightedResource> resources) {
  int64_t sum = 0, weights = 0;
  for (std::size_t i = 0; i < usages.size(); ++i) {
    const Usage& u = usages[i];
    if (u.allocatable == 0) continue;
    sum += std::min(u.requested, u.allocatable) * node_score_max / u.allocatable * resources[i].weight;
    weights += resources[i].weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

int64_t shape_score(std::span<const ShapePoint> shape, int64_t utilization) {
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (utilization > shape[i].utilization) continue;
    if (i == 0) return shape[0].score;
    const ShapePoint &from = shape[i - 1], &to = shape[i];
    return from.score + (to.score - from.score) * (utilization - from.utilization) / (to.utilization - from.utilization);
  }
  return shape.back().score;
}

int64_t requested_to_capacity_ratio_score(std::span<const Usage> usages, std::span<const WeightedResource> resources,
                                          std::span<const ShapePoint> shape) {
  int64_t sum = 0, weights = 0;
  for (std::size_t i = 0; i < usages.size(); ++i) {
    const Usage& u = usages[i];
    if (u.allocatable == 0) continue;
    const int64_t score = shape_score(shape, u.requested > u.allocatable ? 100 : u.requested * 100 / u.allocatable);
    if (score <= 0) continue;
    sum += score * resources[i].weight;
    weights += resources[i].weight;
  }
  return weights == 0 ? 0 : static_cast<int64_t>(std::llround(static_cast<double>(sum) / static_cast<double>(weights)));
}

Result<std::vector<ShapePoint>> make_shape(const std::vector<api::kubeschedulerconfig_v1::UtilizationShapePoint>& points) {
  if (points.empty()) return bad_request("scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified");
  std::vector<ShapePoint> out;
  for (const auto& point : points) {
    if (point.utilization < 0 || point.utilization > 100) return bad_request("shape: utilization must be within 0 and 100");
    if (point.score < 0 || point.score > custom_score_max) return bad_request("shape: score must be within 0 and 10");
    if (!out.empty() && point.utilization <= out.back().utilization)
      return bad_request("shape: utilization values must be sorted in increasing order");
    out.push_back({point.utilization, point.score * (node_score_max / custom_score_max)});
  }
  return out;
}

namespace {

// 100 for all fractions alike, down to 50 for one full and one empty.
int64_t balance(std::span<const Usage> usages, bool with_pod) {
  double sum = 0, squares = 0, count = 0;
  for (const Usage& u : usages) {
    if (u.allocatable == 0) continue;
    const double fraction = std::min(1.0, static_cast<double>(with_pod ? u.requested : u.allocated) / static_cast<double>(u.allocatable));
    sum += fraction;
    ++count;
  }
  if (count < 2) return node_score_max;
  const double mean = sum / count;
  for (const Usage& u : usages) {
    if (u.allocatable == 0) continue;
    const double fraction = std::min(1.0, static_cast<double>(with_pod ? u.requested : u.allocated) / static_cast<double>(u.allocatable));
    squares += (fraction - mean) * (fraction - mean);
  }
  // Two fractions: half their distance, computed as such so that rounding is upstream's.
  double deviation = std::sqrt(squares / count);
  if (count == 2) {
    double two[2] = {}, *next = two;
    for (const Usage& u : usages)
      if (u.allocatable != 0) *next++ = std::min(1.0, static_cast<double>(with_pod ? u.requested : u.allocated) / static_cast<double>(u.allocatable));
    deviation = std::abs((two[0] - two[1]) / 2);
  }
  return static_cast<int64_t>((1 - deviation) * static_cast<double>(node_score_max));
}

}  // namespace

int64_t balanced_score(std::span<const Usage> usages) {
  constexpr int64_t half = node_score_max / 2;
  return half + (half + balance(usages, true) - balance(usages, false)) / 2;
}

}  // namespace pintle::scheduler::plugins

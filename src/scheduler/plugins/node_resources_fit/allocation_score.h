// How well a node's resources are used, by the strategies of NodeResourcesFit, as pure functions of amounts.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "base/status.h"
#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::plugins {

struct WeightedResource {
  std::string name;
  int64_t weight = 1;
};
// cpu and memory, of weight 1.
std::vector<WeightedResource> weighted_resources(const std::vector<api::kubeschedulerconfig_v1::ResourceSpec>& specs);

// One resource of a node: what it has, and what would be in use with the pod there.
struct Usage {
  int64_t allocatable = 0;  // 0: the node does not have it, or the pod does not ask for it: no say
  int64_t allocated = 0;    // without the pod
  int64_t requested = 0;    // with the pod
};

// The usages of `resources` on a node; `pod_requests` in the same order. `non_zero`: cpu and memory count with the
// defaults for containers without requests.
void usages_of(const NodeInfo& node, std::span<const WeightedResource> resources, std::span<const int64_t> pod_requests, bool non_zero,
               std::span<Usage> out);

int64_t least_allocated_score(std::span<const Usage> usages, std::span<const WeightedResource> resources);
int64_t most_allocated_score(std::span<const Usage> usages, std::span<const WeightedResource> resources);

// A polyline from utilization (0..100) to score (0..100).
struct ShapePoint {
  int64_t utilization = 0;
  int64_t score = 0;
};
int64_t shape_score(std::span<const ShapePoint> shape, int64_t utilization);
int64_t requested_to_capacity_ratio_score(std::span<const Usage> usages, std::span<const WeightedResource> resources,
                                          std::span<const ShapePoint> shape);

// BadRequest: fewer than one point, utilizations that do not ascend within 0..100, scores outside 0..10.
Result<std::vector<ShapePoint>> make_shape(const std::vector<api::kubeschedulerconfig_v1::UtilizationShapePoint>& points);

// Change of the balance (standard deviation of the fractions in use) that the pod brings: 75 for none, more is better.
int64_t balanced_score(std::span<const Usage> usages);

}  // namespace pintle::scheduler::plugins

#include "kubelet/resources/pod_resources.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "kubelet/types/pod.h"

namespace pintle::kubelet::resources {

namespace core = api::core_v1;

namespace {

constexpr std::string_view hugepages_prefix = "hugepages-";
constexpr int64_t guaranteed_oom_score = -997;
constexpr int64_t best_effort_oom_score = 1000;

const api::Quantity zero;

const api::Quantity& quantity(const rules::ResourceList& list, std::string_view name) {
  const api::Quantity* found = list.get(name);
  return found ? *found : zero;
}

// What the pod requests beyond its containers, for each of them.
int64_t spare_memory_per_container(const core::Pod& pod) {
  const int64_t requested = pod.spec.resources ? resource_value(pod.spec.resources->requests, "memory") : 0;
  const auto containers = static_cast<int64_t>(pod.spec.containers.size() + pod.spec.init_containers.size());
  if (requested == 0 || containers == 0) return 0;
  return (requested - resource_value(rules::pod_requests(pod.spec, {.overhead = false, .pod_level = false}), "memory")) / containers;
}

bool is_sidecar_of(const core::Pod& pod, const core::Container& container) {
  return rules::is_sidecar(container) &&
         std::ranges::any_of(pod.spec.init_containers, [&](const core::Container& other) { return other.name == container.name; });
}

}  // namespace

int64_t resource_value(const rules::ResourceList& list, std::string_view name) { return quantity(list, name).value(); }
int64_t resource_milli_value(const rules::ResourceList& list, std::string_view name) { return quantity(list, name).milli_value(); }

int64_t cpu_shares(int64_t milli_cpu) {
  constexpr int64_t max = 262144;
  if (milli_cpu >= max) return max;
  return std::clamp<int64_t>(milli_cpu * 1024 / 1000, 2, max);
}

int64_t cpu_quota_us(int64_t milli_cpu, int64_t period_us) {
  if (milli_cpu <= 0) return 0;
  if (milli_cpu > std::numeric_limits<int64_t>::max() / period_us) return 0;
  return std::max<int64_t>(milli_cpu * period_us / 1000, 1000);
}

int64_t oom_score_adj(const core::Pod& pod, const core::Container& container, int64_t memory_capacity_bytes) {
  if (is_node_critical_pod(pod)) return guaranteed_oom_score;
  const std::string_view qos = rules::qos_class(pod);
  if (qos == "Guaranteed") return guaranteed_oom_score;
  if (qos == "BestEffort") return best_effort_oom_score;
  if (memory_capacity_bytes <= 0) return best_effort_oom_score - 1;
  const int64_t spare = spare_memory_per_container(pod);
  const auto score_of = [&](int64_t request) {
    return 1000 - static_cast<int64_t>(static_cast<__int128>(1000) * (request + spare) / memory_capacity_bytes);
  };
  int64_t score = score_of(resource_value(container.resources.requests, "memory"));
  if (is_sidecar_of(pod, container) && !pod.spec.containers.empty()) {
    // A sidecar goes no sooner than the container that asks for least.
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const core::Container& other : pod.spec.containers) least = std::min(least, resource_value(other.resources.requests, "memory"));
    score = std::min(score, score_of(least));
  }
  return std::clamp<int64_t>(score, 1000 + guaranteed_oom_score, best_effort_oom_score - 1);
}

std::size_t exclusive_cpus(const core::Pod& pod, const core::Container& container) {
  if (pod.spec.resources || rules::qos_class(pod) != "Guaranteed") return 0;
  const int64_t milli = resource_milli_value(container.resources.requests, "cpu");
  return milli > 0 && milli % 1000 == 0 ? static_cast<std::size_t>(milli / 1000) : 0;
}

bool wants_exclusive_cpus(const core::Pod& pod) {
  const auto wants = [&pod](const core::Container& container) { return exclusive_cpus(pod, container) > 0; };
  return std::ranges::any_of(pod.spec.init_containers, wants) || std::ranges::any_of(pod.spec.containers, wants);
}

std::string hugepage_size_name(uint64_t bytes) {
  constexpr uint64_t kib = 1024;
  if (bytes >= kib * kib * kib) return std::to_string(bytes / (kib * kib * kib)) + "GB";
  if (bytes >= kib * kib) return std::to_string(bytes / (kib * kib)) + "MB";
  return std::to_string(bytes / kib) + "KB";
}

uint64_t hugepage_size_of(std::string_view resource_name) {
  if (!resource_name.starts_with(hugepages_prefix)) return 0;
  const auto size = api::Quantity::parse(resource_name.substr(hugepages_prefix.size()));
  return size && size->value() > 0 ? static_cast<uint64_t>(size->value()) : 0;
}

}  // namespace pintle::kubelet::resources

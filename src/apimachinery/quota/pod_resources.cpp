#include "apimachinery/quota/pod_resources.h"

namespace pintle::apimachinery::quota {
namespace {

using namespace api::core_v1;

void keep_larger(ResourceList& into, const ResourceList& other) {
  for (const auto& [name, quantity] : other) {
    api::Quantity& slot = into[name];
    if (slot.compare(quantity) < 0) slot = quantity;
  }
}

bool is_sidecar(const Container& container) { return container.restart_policy && *container.restart_policy == "Always"; }

// Only these are known at pod level.
bool is_pod_level(std::string_view name) { return name == "cpu" || name == "memory" || name.starts_with("hugepages-"); }

// `list_of` picks the requests or the limits.
template <class ListOf>
ResourceList sum_of(const PodSpec& spec, ListOf list_of) {
  ResourceList total;
  for (const auto& container : spec.containers) add_resources(total, list_of(container.resources));
  ResourceList sidecars;     // those started before, which go on running
  ResourceList peak;
  for (const auto& container : spec.init_containers) {
    if (is_sidecar(container)) {
      add_resources(total, list_of(container.resources));
      add_resources(sidecars, list_of(container.resources));
      keep_larger(peak, sidecars);
    } else {
      ResourceList at_that_time = sidecars;
      add_resources(at_that_time, list_of(container.resources));
      keep_larger(peak, at_that_time);
    }
  }
  keep_larger(total, peak);
  if (spec.resources)
    for (const auto& [name, quantity] : list_of(*spec.resources))
      if (is_pod_level(name)) total[name] = quantity;
  return total;
}

}  // namespace

void add_resources(ResourceList& into, const ResourceList& more) {
  for (const auto& [name, quantity] : more) {
    api::Quantity* there = into.get(name);
    if (there) *there = *there + quantity;
    else into[name] = quantity;
  }
}

ResourceList pod_requests(const PodSpec& spec, bool with_overhead) {
  ResourceList out = sum_of(spec, [](const ResourceRequirements& resources) -> const ResourceList& { return resources.requests; });
  if (with_overhead) add_resources(out, spec.overhead);
  return out;
}

ResourceList pod_limits(const PodSpec& spec, bool with_overhead) {
  ResourceList out = sum_of(spec, [](const ResourceRequirements& resources) -> const ResourceList& { return resources.limits; });
  if (!with_overhead) return out;
  for (const auto& [name, quantity] : spec.overhead)
    if (api::Quantity* limit = out.get(name); limit && !limit->is_zero()) *limit = *limit + quantity;
  return out;
}

std::string to_text(const ResourceList& list) {
  std::string out;
  for (const auto& [name, quantity] : list) {
    if (!out.empty()) out += ',';
    out.append(name).append("=").append(quantity.text());
  }
  return out;
}

}  // namespace pintle::apimachinery::quota

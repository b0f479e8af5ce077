#include "apimachinery/quota/pod_resources.h"

#include <map>
#include <string_view>

#include "base/flat_map_merge.h"

namespace pintle::apimachinery::quota {
namespace {

using namespace api::core_v1;

// Names are the client's to choose, and each container may bring new ones.
using Sums = std::map<std::string_view, api::Quantity>;

void add(Sums& into, const ResourceList& more) {
  for (const auto& [name, quantity] : more) {
    const auto [there, fresh] = into.try_emplace(name, quantity);
    if (!fresh) there->second = there->second + quantity;
  }
}

void keep_larger(Sums& into, std::string_view name, const api::Quantity& quantity) {
  api::Quantity& slot = into[name];
  if (slot.compare(quantity) < 0) slot = quantity;
}

bool is_sidecar(const Container& container) { return container.restart_policy && *container.restart_policy == "Always"; }

// Only these are known at pod level.
bool is_pod_level(std::string_view name) { return name == "cpu" || name == "memory" || name.starts_with("hugepages-"); }

// `list_of` picks the requests or the limits.
template <class ListOf>
ResourceList sum_of(const PodSpec& spec, ListOf list_of) {
  Sums total;
  for (const auto& container : spec.containers) add(total, list_of(container.resources));
  Sums sidecars;  // those started before, which go on running
  Sums peak;      // of what an init container does not ask for, it was seen when the last sidecar came that does
  for (const auto& container : spec.init_containers) {
    const ResourceList& asked = list_of(container.resources);
    if (is_sidecar(container)) {
      add(total, asked);
      add(sidecars, asked);
    }
    for (const auto& [name, quantity] : asked) {
      const auto running = sidecars.find(name);
      if (running == sidecars.end())
        keep_larger(peak, name, quantity);
      else
        keep_larger(peak, name, is_sidecar(container) ? running->second : running->second + quantity);
    }
  }
  for (const auto& [name, quantity] : peak) keep_larger(total, name, quantity);
  if (spec.resources)
    for (const auto& [name, quantity] : list_of(*spec.resources))
      if (is_pod_level(name)) total[name] = quantity;
  ResourceList out;
  for (auto& [name, quantity] : total) out.append(name) = std::move(quantity);
  return out;
}

}  // namespace

void add_resources(ResourceList& into, const ResourceList& more) {
  merge_maps(into, more, [](api::Quantity& there, const api::Quantity& quantity) { there = there + quantity; });
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

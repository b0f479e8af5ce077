#include "kubelet/admission/resize_admission.h"

#include <fmt/format.h>

#include <array>

namespace pintle::kubelet::admission {

using api::core_v1::Pod;

namespace {
constexpr std::array<std::string_view, 2> resizable{"cpu", "memory"};
int64_t amount(const rules::ResourceList& list, std::string_view name) {
  return name == "cpu" ? resources::resource_milli_value(list, name) : resources::resource_value(list, name);
}
}  // namespace

std::optional<WaitingReason> admit_resize(const Pod& pod, const std::vector<const Pod*>& others, const rules::ResourceList& allocatable) {
  const rules::ResourceList wanted = rules::pod_requests(pod.spec);
  for (const auto name : resizable) {
    const int64_t requested = amount(wanted, name);
    const int64_t capacity = amount(allocatable, name);
    if (requested <= capacity) continue;
    return WaitingReason{"Infeasible", fmt::format("Node didn't have enough capacity: {}, requested: {}, capacity: {}", name, requested, capacity)};
  }
  for (const auto name : resizable) {
    const int64_t requested = amount(wanted, name);
    int64_t used = 0;
    for (const Pod* other : others) used += amount(rules::pod_requests(other->spec), name);
    const int64_t capacity = amount(allocatable, name);
    if (requested == 0 || requested + used <= capacity) continue;
    return WaitingReason{"Deferred",
                         fmt::format("Node didn't have enough resource: {}, requested: {}, used: {}, capacity: {}", name, requested, used, capacity)};
  }
  return std::nullopt;
}

}  // namespace pintle::kubelet::admission

// Resizing running containers in place: which of them run with other resources than the spec says, and what of the pod's cgroup has to
// be so while they change. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::runtime {

// What each running container was started with or resized to, by its id.
using AppliedResources = std::map<std::string, api::core_v1::ResourceRequirements, std::less<>>;

// What of a pod has which CPU and memory by now.
struct Applied {
  AppliedResources containers;
  // Of the pod as a whole (spec.resources); nullopt: not known yet.
  std::optional<api::core_v1::ResourceRequirements> pod;
};

struct ContainerResize {
  std::string name;
  std::string id;
  bool restart = false;  // its resizePolicy asks for it
};
// Plain containers and sidecars (with `init_containers`, all of init) that run with other CPU or memory than the spec says. A container
// without a limit of its own has the pod's.
std::vector<ContainerResize> plan_resize(const api::core_v1::Pod& pod, const PodState& state, const Applied& applied, bool init_containers);
// Whether the pod as a whole has other CPU or memory than the spec says.
bool pod_level_differs(const api::core_v1::PodSpec& spec, const Applied& applied);
// What an adopted pod has: of each amount that its spec states, what its status says.
api::core_v1::ResourceRequirements said_pod_level(const api::core_v1::Pod& pod, const api::core_v1::PodStatus& status);

// The pod with the larger of both limits and requests of each container and of the pod: its cgroup leaves room for either.
api::core_v1::Pod with_room_for_both(const api::core_v1::Pod& pod, const PodState& state, const Applied& applied);
// Whether CPU or memory of the containers or of the pod differ between two states of a pod's spec.
bool resources_differ(const api::core_v1::PodSpec& a, const api::core_v1::PodSpec& b);
// The same, of the pod as a whole alone.
bool pod_levels_differ(const api::core_v1::PodSpec& a, const api::core_v1::PodSpec& b);
// `to` with the resources of `from`.
void keep_resources(const api::core_v1::PodSpec& from, api::core_v1::PodSpec& to);

}  // namespace pintle::kubelet::runtime

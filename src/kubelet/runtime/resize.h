// Resizing running containers in place: which of them run with other resources than the spec says, and what of the pod's cgroup has to
// be so while they change. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/types/pod_state.h"

namespace pintle::kubelet::runtime {

// What each running container was started with or resized to, by its id.
using AppliedResources = std::map<std::string, api::core_v1::ResourceRequirements, std::less<>>;

struct ContainerResize {
  std::string name;
  std::string id;
  bool restart = false;  // its resizePolicy asks for it
};
// Plain containers and sidecars that run with other CPU or memory than the spec says.
std::vector<ContainerResize> plan_resize(const api::core_v1::Pod& pod, const PodState& state, const AppliedResources& applied);

// The pod with the larger of both limits and requests of each container: its cgroup leaves room for either.
api::core_v1::Pod with_room_for_both(const api::core_v1::Pod& pod, const PodState& state, const AppliedResources& applied);
// Whether CPU or memory of the containers differ between two states of a pod's spec.
bool resources_differ(const api::core_v1::PodSpec& a, const api::core_v1::PodSpec& b);
// `to` with the containers' resources of `from`.
void keep_resources(const api::core_v1::PodSpec& from, api::core_v1::PodSpec& to);

}  // namespace pintle::kubelet::runtime

// The SELinux labels of a pod's volumes. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::controller::selinux_warning {

inline constexpr std::string_view recursive = "Recursive", mount_option = "MountOption";  // spec.securityContext.seLinuxChangePolicy

// "USER:ROLE:TYPE:LEVEL" of what is stated; "": nothing is.
std::string label_of(const api::core_v1::SELinuxOptions& options);
// Whether a volume cannot have both: levels differ, or another part that both state. "" is a label like any other.
bool in_conflict(std::string_view a, std::string_view b);

// By the pod's volumes that a container mounts: the labels that its containers run with.
std::map<std::string, std::set<std::string>> labels_of_volumes(const api::core_v1::Pod& pod);

// How a pod has a volume labelled.
struct Labelling {
  std::string label;   // that it is mounted with; "": none
  std::string policy;  // recursive or mount_option
  bool operator==(const Labelling&) const = default;
};
// `label`: of the containers that mount it. `mountable`: its plugin mounts with a label.
Labelling labelling_of(const api::core_v1::Pod& pod, std::string label, bool mountable);

// What a volume is known by: two pods with the same one use the same volume. `driver`: of CSI.
struct VolumeIdentity {
  std::string name;
  std::string driver;
};
// An empty name: a volume that is never mounted with a label, or that is another one in each pod.
VolumeIdentity identity_of(const api::core_v1::PersistentVolumeSpec& spec);
VolumeIdentity identity_of(const api::core_v1::Volume& volume);

}  // namespace pintle::controller::selinux_warning

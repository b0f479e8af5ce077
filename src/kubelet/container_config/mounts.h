// The mounts of a container, from its volumeMounts and the volumes that are ready. Pure, but for the sub-paths, which the
// caller prepares. Errors carry upstream's messages.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/container_config/container_config.h"
#include "kubelet/volumes/volume_manager.h"

namespace pintle::kubelet::container_config {

inline constexpr std::string_view etc_hosts_path = "/etc/hosts";

// A volumeMount with everything decided.
struct PlannedMount {
  api::cri_v1::Mount mount;  // host_path is the volume's; a sub-path is not in it yet
  std::string volume;
  std::string sub_path;   // to be prepared below host_path; "" the volume itself
  std::size_t index = 0;  // of the volumeMount
};

// `image_volumes`: the image (reference) by the volume's name.
Result<std::vector<PlannedMount>> plan_mounts(const api::core_v1::Container& container, const volumes::MountedVolumes& volumes,
                                              const EnvironmentVariables& environment, const FlatMap<std::string>& image_volumes,
                                              const NodeConfig& node);

// Of its volumeDevices.
Result<std::vector<api::cri_v1::Device>> plan_devices(const api::core_v1::Container& container, const volumes::MountedVolumes& volumes);
// The groups of the pod's volumes, each once, without those that the pod has anyway.
std::vector<int64_t> volume_groups(const api::core_v1::Pod& pod, const volumes::MountedVolumes& volumes);

// False if a volumeMount stands at /etc/hosts, or the pod's addresses are not known yet.
bool mounts_hosts_file(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const std::vector<std::string>& pod_ips);

}  // namespace pintle::kubelet::container_config

// The files and directories on the node that a container's configuration names. Each blocks: run on the blocking pool.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "kubelet/container_config/mounts.h"

namespace pintle::kubelet::container_config {

// The pod's directory and its log directory.
Result<Unit> make_pod_directories(const Paths& paths, const api::core_v1::Pod& pod);

struct ContainerFiles {
  const Paths& paths;
  const api::core_v1::Pod& pod;
  const api::core_v1::Container& container;
  std::vector<PlannedMount> mounts;  // sub-paths are prepared in here
  bool mount_hosts = false;
  std::string hosts;    // the content of the hosts file
  uint64_t random = 0;  // names the termination log
};
struct MadeFiles {
  std::vector<api::cri_v1::Mount> mounts;
  std::string termination_log;  // "" when the container has no terminationMessagePath
};
// Sub-path mounts, the hosts file, the container's log directory and its termination log (mode 0666).
Result<MadeFiles> make_container_files(ContainerFiles files);

}  // namespace pintle::kubelet::container_config

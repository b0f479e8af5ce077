// subPath: a part of a volume, mounted where nothing inside the volume can redirect it. What it leads to, found without
// leaving the volume, is bind-mounted at POD/volume-subpaths/VOLUME/CONTAINER/INDEX, and the container gets that. Blocks.
#pragma once

#include <string>

#include "base/status.h"
#include "kubelet/types/paths.h"

namespace pintle::kubelet::volumes {

struct SubPath {
  std::string pod_uid;
  std::string volume;       // its name
  std::string volume_path;  // where it is
  std::string path;         // relative, without ".."
  std::string container;
  std::size_t index = 0;  // of the volumeMount
};
// The host path for the container. A path that is missing is made as a directory, with the volume's mode. Errors say no
// more than the container's user may know of this machine; the whole reason is in `log`, if given.
Result<std::string> prepare_sub_path(const Paths& paths, const SubPath& sub_path, std::string* log = nullptr);

}  // namespace pintle::kubelet::volumes

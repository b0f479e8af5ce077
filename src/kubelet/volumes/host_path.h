// hostPath: what must be at the path, by the volume's type. Blocks.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::kubelet::volumes {

struct HostPath {
  bool is_file = false;  // or a socket or a device
};
// Makes a missing directory (DirectoryOrCreate, mode 0755) or file (FileOrCreate, 0644). Error: "hostPath type check
// failed: PATH is not a directory" and the like, as upstream says it.
Result<HostPath> check_host_path(const std::string& path, std::string_view type);

}  // namespace pintle::kubelet::volumes

// fsGroup: a volume's files belong to the pod's group. Blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace pintle::kubelet::volumes {

constexpr uint32_t group_read_bits = 0440;
constexpr uint32_t group_write_bits = 0660;

// Gives everything in `root` to the group, readable (and writable unless `read_only`) by it, directories with the setgid bit
// so that new files follow. With `on_root_mismatch` nothing is done when the root itself is right already.
Result<Unit> own_by_group(const std::string& root, uint32_t gid, bool read_only, bool on_root_mismatch);

// Names in a directory, sorted.
Result<std::vector<std::string>> list_names(const std::string& directory);

}  // namespace pintle::kubelet::volumes

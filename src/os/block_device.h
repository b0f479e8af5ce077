// Block devices of the machine, looked at without changing them. Each call blocks: a device that does not answer holds its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace pintle::os {

struct BlockDevice {
  std::string path;     // of its node, without links
  uint64_t number = 0;  // st_rdev
  bool operator==(const BlockDevice&) const = default;
};
// "8:1", as the mount table has it.
std::string device_numbers(const BlockDevice& device);
// nullopt: what is there is no block device. NotFound: nothing is there.
Result<std::optional<BlockDevice>> block_device_at(const std::string& path);
// Mounted, or a part of a larger device: whoever has it does not share.
Result<bool> is_device_in_use(const std::string& device);
// Whether its first and its last `bytes` are zeros. Also of a file.
Result<bool> is_blank(const std::string& device, std::size_t bytes);
// Takes away the loop devices that lie over the file or device node. Success where there is none.
Result<Unit> detach_loops_over(const std::string& path);
// Those that lie over files below a directory.
Result<Unit> detach_loops_below(const std::string& directory);

}  // namespace pintle::os

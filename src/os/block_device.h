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

}  // namespace pintle::os

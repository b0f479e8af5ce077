// Loop devices: files as disks. Each call blocks for its system calls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace pintle::os {

struct LoopDevice {
  std::string path;     // "/dev/loop3"
  std::string numbers;  // "7:3", as the mount table has it
  bool operator==(const LoopDevice&) const = default;
};

constexpr int attach_tries_max = 32;  // each time another process took the device that was free

// The one that lies over a file, whose path has no links; nullopt: none.
Result<std::optional<LoopDevice>> loop_over(const std::string& file);
// Lays one over a file, past the host's page cache where the host's disk can. It stays until detach_loops_over().
Result<LoopDevice> attach_loop(const std::string& file);
// Takes away the loop devices that lie over the file or device node. Success where there is none.
Result<Unit> detach_loops_over(const std::string& path);
// Those that lie over files below a directory.
Result<Unit> detach_loops_below(const std::string& directory);
// Tells it that its file has another size.
Result<Unit> resize_loop(const LoopDevice& device);

// Stops writes to a mounted file system, whole on its disk until thaw_file_system(). Success where it is so already, in both directions.
Result<Unit> freeze_file_system(const std::string& mount_point);
Result<Unit> thaw_file_system(const std::string& mount_point);

}  // namespace pintle::os

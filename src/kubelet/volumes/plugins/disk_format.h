// What is on a block device, and making a file system on one that has nothing. Never on one that carries data: blkid must find nothing at
// all, and its first and last megabyte must be zeros.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "os/block_device.h"
#include "rt/context.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

// What `blkid -p -s TYPE -s PTTYPE -o export` says.
struct DiskContent {
  std::string fs_type;     // "ext4"
  std::string partitions;  // "gpt"
};
Result<DiskContent> parse_blkid(std::string_view output);
// The arguments of mkfs. Invalid: no file system that is made here.
Result<std::vector<std::string>> mkfs_arguments(std::string_view fs_type, const std::string& device);
// False: a name that mount(8) is not given.
bool is_fs_type(std::string_view name);

struct DiskMount {
  os::BlockDevice device;
  std::string directory;  // exists
  std::string fs_type;
  std::vector<std::string> options;
  bool may_format = true;  // else an empty device is refused
};
// Makes or checks the file system and mounts it. The device is of the machine's: its node is no link that a pod could change.
rt::Task<Result<Unit>> format_and_mount(rt::Runtime& runtime, rt::Context ctx, DiskMount mount);

}  // namespace pintle::kubelet::volumes::plugins

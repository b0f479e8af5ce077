// What is mounted where, by the mount table: nothing that is mounted is looked at, for what it lies on may not answer.
#pragma once

#include <string>

#include "base/status.h"
#include "rt/context.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

// The numbers of the device ("8:1") that is mounted last at the directory; "": none is. Blocks.
Result<std::string> mounted_device(const std::string& directory);
Result<bool> is_mounted(const std::string& directory);

// Unmounts what is at the directory by the machine's umount, so that no thread of ours waits for it, and removes the directory if it is
// empty. `flag`: "-f", or "".
rt::Task<Result<Unit>> unmount_by_program(rt::Runtime& runtime, rt::Context ctx, std::string directory, std::string flag, rt::Duration limit);

}  // namespace pintle::kubelet::volumes::plugins

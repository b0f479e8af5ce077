// What the node has left of memory, disks and process numbers, as upstream's signals.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "kubelet/node/node_status.h"

namespace pintle::kubelet {

struct SignalValue {
  int64_t available = 0;
  int64_t capacity = 0;
};
// By signal: "memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree", "pid.available".
using SignalValues = std::map<std::string, SignalValue, std::less<>>;

// Those of this machine; what cannot be read is absent, images with `images_dir` "". Reads a few small files of the kernel.
SignalValues measure_signals(const std::string& root_dir, const std::string& images_dir);

}  // namespace pintle::kubelet

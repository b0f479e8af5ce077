// What the node has left of memory, disks and process numbers.
#pragma once

#include <string>

#include "kubelet/types/pressure.h"

namespace pintle::kubelet::eviction {

// Those of this machine; what cannot be read is absent, images with `images_dir` "". Reads a few small files of the kernel.
SignalValues measure_signals(const std::string& root_dir, const std::string& images_dir);

}  // namespace pintle::kubelet::eviction

// What a node is short of, and the figures that say so, by upstream's signals.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pintle::kubelet {

// The node's conditions MemoryPressure, DiskPressure, PIDPressure.
struct Pressure {
  bool memory = false;
  bool disk = false;
  bool pid = false;
};

struct SignalValue {
  int64_t available = 0;
  int64_t capacity = 0;
};
// By signal: "memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree", "pid.available".
using SignalValues = std::map<std::string, SignalValue, std::less<>>;

}  // namespace pintle::kubelet

// Pressure on the node's memory, disks and process numbers: what was measured, held against the thresholds. Upstream's signals.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kubelet/node/node_resources.h"
#include "kubelet/node/node_status.h"
#include "rt/clock.h"

namespace pintle::kubelet {

struct SignalValue {
  int64_t available = 0;
  int64_t capacity = 0;
};
// By signal: "memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree", "pid.available".
using SignalValues = std::map<std::string, SignalValue, std::less<>>;

// Those of this machine; what cannot be read is absent. Reads a few small files of the kernel.
SignalValues measure_signals(const std::string& root_dir, const std::string& images_dir);

// The signals whose threshold is crossed. Pure.
std::vector<std::string> crossed_thresholds(const EvictionThresholds& thresholds, const SignalValues& values);
// The condition that a signal is about. Pure.
void add_pressure(Pressure& pressure, std::string_view signal);

// Keeps a condition for a while after its signal has recovered, so that it does not flicker
// (evictionPressureTransitionPeriod). No I/O.
class PressureMemory {
 public:
  explicit PressureMemory(rt::Duration hold) : hold_(hold) {}
  Pressure update(const std::vector<std::string>& crossed, rt::TimePoint now);

 private:
  const rt::Duration hold_;
  std::map<std::string, rt::TimePoint> last_crossed_;
};

}  // namespace pintle::kubelet

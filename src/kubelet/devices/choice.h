// Choice: which devices of a resource a container gets: first those that init containers of its pod leave it, then those near the NUMA
// nodes that were decided for it, then any; where there is a choice, the plugin may say what it prefers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "base/status.h"
#include "kubelet/devices/device_list.h"

namespace pintle::kubelet::devices {

struct ChoiceInputs {
  const std::string& resource;
  const Devices& devices;
  const DeviceIds& in_use;                                     // also what is reserved
  const DeviceIds& reusable;                                   // of `in_use`
  std::size_t required = 0;                                    // at least 1
  std::optional<std::set<int64_t>> numa_nodes = std::nullopt;  // nullopt: no matter
};

class Choice {
 public:
  // Invalid, in upstream's words, when there are not enough.
  static Result<Choice> make(const ChoiceInputs& inputs);

  // What is decided already.
  const DeviceIds& taken() const { return taken_; }
  bool complete() const { return taken_.size() == required_; }
  // While it is not complete: of which a plugin may prefer `required`; what is taken is among them.
  const DeviceIds& offered() const { return offered_; }
  // All of them, `required` in number. What was preferred and not offered does not count.
  DeviceIds finish(const DeviceIds& preferred) const;

 private:
  void take(const DeviceIds& from);

  std::size_t required_ = 0;
  DeviceIds taken_;
  DeviceIds offered_;
  std::vector<DeviceIds> ranks_;  // from where the rest is taken when the plugin does not care
};

}  // namespace pintle::kubelet::devices

// The devices of one resource, as a plugin lists them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/gen/deviceplugin_v1beta1.h"
#include "base/status.h"

namespace pintle::kubelet::devices {

using DeviceIds = std::set<std::string>;

// Of one resource; and what is said of one device. A list past them is refused, and its plugin with it.
constexpr std::size_t devices_max = 65'536;
constexpr std::size_t device_id_bytes_max = 1024;
constexpr std::size_t numa_nodes_max = 64;

// Where a device stands whose plugin does not say it.
inline constexpr int64_t no_numa_node = -1;

struct Device {
  bool healthy = false;             // its plugin says "Healthy", and nothing else
  std::vector<int64_t> numa_nodes;  // which it is near to; empty: not told
  bool operator==(const Device&) const = default;
};
using Devices = std::map<std::string, Device>;  // by id

// Of two with one id the last counts, as upstream has it. Invalid past the limits.
Result<Devices> devices_of(api::deviceplugin_v1beta1::ListAndWatchResponse list);
DeviceIds healthy_ids(const Devices& devices);
// Those whose health is another than before, or which were not there.
DeviceIds changed_health(const Devices& before, const Devices& after);

}  // namespace pintle::kubelet::devices

#include "kubelet/devices/device_list.h"

#include <fmt/format.h>

namespace pintle::kubelet::devices {

Result<Devices> devices_of(api::deviceplugin_v1beta1::ListAndWatchResponse list) {
  if (list.devices.size() > devices_max) return error(Reason::Invalid, fmt::format("{} devices, at most {}", list.devices.size(), devices_max));
  Devices out;
  for (auto& told : list.devices) {
    if (told.id.empty() || told.id.size() > device_id_bytes_max)
      return error(Reason::Invalid, fmt::format("a device id of {} bytes, 1 to {}", told.id.size(), device_id_bytes_max));
    Device device;
    device.healthy = told.health == "Healthy";
    if (told.topology) {
      if (told.topology->nodes.size() > numa_nodes_max)
        return error(Reason::Invalid, fmt::format("a device on {} NUMA nodes, at most {}", told.topology->nodes.size(), numa_nodes_max));
      for (const auto& node : told.topology->nodes)
        if (node.id >= 0) device.numa_nodes.push_back(node.id);
    }
    out.insert_or_assign(std::move(told.id), std::move(device));
  }
  return out;
}

DeviceIds healthy_ids(const Devices& devices) {
  DeviceIds out;
  for (const auto& [id, device] : devices)
    if (device.healthy) out.insert(id);
  return out;
}

DeviceIds changed_health(const Devices& before, const Devices& after) {
  DeviceIds out;
  for (const auto& [id, device] : after) {
    const auto old = before.find(id);
    if (old == before.end() || old->second.healthy != device.healthy) out.insert(id);
  }
  return out;
}

}  // namespace pintle::kubelet::devices

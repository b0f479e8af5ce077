// On which NUMA nodes devices could be had.
#include <algorithm>

#include "kubelet/devices/device_manager.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::devices {

using topology_hints::HintInputs;
using topology_hints::NumaMask;
using topology_hints::ResourceHints;

namespace {

std::vector<NumaMask> masks_of(const Devices& devices, const DeviceIds& ids) {
  std::vector<NumaMask> out;
  for (const std::string& id : ids)
    if (const auto device = devices.find(id); device != devices.end()) out.push_back(topology_hints::mask_of(device->second.numa_nodes));
  return out;
}

}  // namespace

// nullopt: none of the devices says where it is.
std::optional<std::vector<topology_hints::TopologyHint>> DeviceManager::hints_of(const std::string& name, std::size_t count, const DeviceIds& has,
                                                                                 const DeviceIds& reusable,
                                                                                 const std::vector<int32_t>& machine) const {
  const ResourcePtr resource = find(name);
  if (!resource) return std::nullopt;
  const Devices& devices = resource->devices;
  HintInputs inputs;
  NumaMask bearing = 0;
  for (const auto& [id, device] : devices) {
    inputs.all.push_back(topology_hints::mask_of(device.numa_nodes));
    bearing |= inputs.all.back();
  }
  if (bearing == 0) return std::nullopt;
  std::vector<topology_hints::TopologyHint> none;
  // Nodes without any of these devices need not be looked at.
  for (const int32_t node : machine)
    if ((bearing >> node) & 1) inputs.nodes.push_back(node);
  if (inputs.nodes.empty()) inputs.nodes = machine;
  inputs.request = count;
  if (!has.empty()) {
    if (has.size() != count) return none;
    inputs.available = masks_of(devices, has);
    return topology_hints::make_hints(inputs);
  }
  DeviceIds available = resource->plugin ? healthy_ids(devices) : DeviceIds();
  for (const std::string& id : allocations_.in_use(name)) available.erase(id);
  for (const std::string& id : resource->reserved) available.erase(id);
  if (available.size() + reusable.size() < count) return none;
  inputs.available = masks_of(devices, available);
  inputs.reusable = masks_of(devices, reusable);
  return topology_hints::make_hints(inputs);
}

ResourceHints DeviceManager::hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const Reusable& reusable,
                                   const std::vector<int32_t>& machine) const {
  ResourceHints out;
  for (const Want& want : wants_of(pod, container)) {
    const Allocation* has = allocations_.find(want.uid, container.name, want.resource);
    const auto left = reusable.find(want.resource);
    out[want.resource] =
        hints_of(want.resource, want.count, has ? has->ids() : DeviceIds(), left == reusable.end() ? DeviceIds() : left->second, machine);
  }
  return out;
}

ResourceHints DeviceManager::pod_hints(const api::core_v1::Pod& pod, const std::vector<int32_t>& machine) const {
  const std::string& uid = pod.metadata.uid;
  std::map<std::string, std::size_t> sidecars, most, plain;
  std::map<std::string, DeviceIds> has;
  const auto note = [&](const Want& want) {
    if (const Allocation* one = allocations_.find(uid, want.container, want.resource)) has[want.resource].merge(one->ids());
  };
  for (const auto& container : pod.spec.init_containers) {
    for (const Want& want : wants_of(pod, container)) {
      note(want);
      std::size_t& always = sidecars[want.resource];
      std::size_t& peak = most[want.resource];
      if (rules::is_sidecar(container)) {
        always += want.count;
      } else {
        peak = std::max(peak, always + want.count);
      }
    }
  }
  for (const auto& container : pod.spec.containers) {
    for (const Want& want : wants_of(pod, container)) {
      note(want);
      plain[want.resource] += want.count;
    }
  }
  for (const auto& [resource, count] : sidecars) plain[resource] += count;
  ResourceHints out;
  for (const auto& [resource, count] : plain) out[resource] = hints_of(resource, std::max(count, most[resource]), has[resource], {}, machine);
  return out;
}

}  // namespace pintle::kubelet::devices

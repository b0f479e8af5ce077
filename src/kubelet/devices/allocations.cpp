#include "kubelet/devices/allocations.h"

#include <algorithm>

namespace pintle::kubelet::devices {

namespace {

void merge(const api::deviceplugin_v1beta1::ContainerAllocateResponse& answer, ContainerDevices& out) {
  for (const auto& [name, value] : answer.envs) {
    const bool there = std::ranges::any_of(out.environment, [&name](const auto& variable) { return variable.first == name; });
    if (!there) out.environment.emplace_back(name, value);
  }
  for (const auto& from : answer.mounts) {
    if (std::ranges::find(out.mounts, from.container_path, &api::cri_v1::Mount::container_path) != out.mounts.end()) continue;
    api::cri_v1::Mount& mount = out.mounts.emplace_back();
    mount.container_path = from.container_path;
    mount.host_path = from.host_path;
    mount.readonly = from.read_only;
  }
  for (const auto& from : answer.devices) {
    if (std::ranges::find(out.devices, from.container_path, &api::cri_v1::Device::container_path) != out.devices.end()) continue;
    api::cri_v1::Device& device = out.devices.emplace_back();
    device.container_path = from.container_path;
    device.host_path = from.host_path;
    device.permissions = from.permissions;
  }
  for (const auto& [name, value] : answer.annotations)
    if (!out.annotations.contains(name)) out.annotations[name] = value;
  for (const auto& from : answer.cdi_devices)
    if (std::ranges::find(out.cdi_devices, from.name) == out.cdi_devices.end()) out.cdi_devices.push_back(from.name);
}

}  // namespace

DeviceIds Allocation::ids() const {
  DeviceIds out;
  for (const auto& [node, ids] : by_numa_node) out.insert(ids.begin(), ids.end());
  return out;
}

std::map<int64_t, std::vector<std::string>> by_numa_node(const DeviceIds& ids, const Devices& devices) {
  std::map<int64_t, std::vector<std::string>> out;
  for (const std::string& id : ids) {
    const auto device = devices.find(id);
    if (device == devices.end() || device->second.numa_nodes.empty()) {
      out[no_numa_node].push_back(id);
      continue;
    }
    for (const int64_t node : device->second.numa_nodes) out[node].push_back(id);
  }
  return out;
}

void Allocations::put(const std::string& uid, const std::string& container, const std::string& resource, Allocation allocation) {
  pods_[uid][container].insert_or_assign(resource, std::move(allocation));
}

bool Allocations::erase_pod(std::string_view uid) {
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return false;
  pods_.erase(found);
  return true;
}

const Allocations::OfContainer* Allocations::of_container(std::string_view uid, std::string_view container) const {
  const auto pod = pods_.find(uid);
  if (pod == pods_.end()) return nullptr;
  const auto found = pod->second.find(container);
  return found == pod->second.end() ? nullptr : &found->second;
}

const Allocation* Allocations::find(std::string_view uid, std::string_view container, std::string_view resource) const {
  const OfContainer* of = of_container(uid, container);
  if (!of) return nullptr;
  const auto found = of->find(resource);
  return found == of->end() ? nullptr : &found->second;
}

bool Allocations::knows(std::string_view resource) const {
  for (const auto& [uid, containers] : pods_)
    for (const auto& [container, resources] : containers)
      if (resources.contains(resource)) return true;
  return false;
}

DeviceIds Allocations::in_use(std::string_view resource) const {
  DeviceIds out;
  for (const auto& [uid, containers] : pods_) {
    for (const auto& [container, resources] : containers) {
      const auto found = resources.find(resource);
      if (found != resources.end()) out.merge(found->second.ids());
    }
  }
  return out;
}

std::vector<std::string> Allocations::pods_with(std::string_view resource, const DeviceIds& wanted) const {
  std::vector<std::string> out;
  for (const auto& [uid, containers] : pods_) {
    const bool has = std::ranges::any_of(containers, [&](const auto& container) {
      const auto found = container.second.find(resource);
      if (found == container.second.end()) return false;
      return std::ranges::any_of(found->second.ids(), [&](const std::string& id) { return wanted.contains(id); });
    });
    if (has) out.push_back(uid);
  }
  return out;
}

ContainerDevices Allocations::container_devices(std::string_view uid, std::string_view container) const {
  ContainerDevices out;
  const OfContainer* of = of_container(uid, container);
  if (!of) return out;
  for (const auto& [resource, allocation] : *of) merge(allocation.answer, out);
  return out;
}

}  // namespace pintle::kubelet::devices

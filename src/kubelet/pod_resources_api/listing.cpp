#include "kubelet/pod_resources_api/listing.h"

#include "rules/pod_resources.h"

namespace pintle::kubelet::pod_resources_api {

using namespace api::podresources_v1;

namespace {

// Each device is told by itself, and for each NUMA node that it is near to.
void tell(const std::string& resource, const std::string& id, int64_t node, std::vector<ContainerDevices>& out) {
  ContainerDevices& told = out.emplace_back();
  told.resource_name = resource;
  told.device_ids = {id};
  if (node != devices::no_numa_node) told.topology.ensure().nodes.emplace_back().id = node;
}

ContainerResources resources_of_container(const std::string& uid, const std::string& name, const devices::Allocations& allocations,
                                          const cpu_manager::CpuState& cpus) {
  ContainerResources out;
  out.name = name;
  if (const auto pod = cpus.of_pods.find(uid); pod != cpus.of_pods.end())
    if (const auto own = pod->second.find(name); own != pod->second.end()) out.cpu_ids.assign(own->second.begin(), own->second.end());
  const auto* of = allocations.of_container(uid, name);
  if (!of) return out;
  for (const auto& [resource, allocation] : *of)
    for (const auto& [node, ids] : allocation.by_numa_node)
      for (const std::string& id : ids) tell(resource, id, node, out.devices);
  return out;
}

}  // namespace

PodResources resources_of(const api::core_v1::Pod& pod, const devices::Allocations& allocations, const cpu_manager::CpuState& cpus) {
  PodResources out;
  out.name = pod.metadata.name;
  out.namespace_ = pod.metadata.namespace_;
  const auto add = [&](const api::core_v1::Container& container) {
    out.containers.push_back(resources_of_container(pod.metadata.uid, container.name, allocations, cpus));
  };
  for (const auto& container : pod.spec.init_containers)
    if (rules::is_sidecar(container)) add(container);
  for (const auto& container : pod.spec.containers) add(container);
  return out;
}

std::vector<ContainerDevices> allocatable(const DevicesOfNode& all) {
  std::vector<ContainerDevices> out;
  for (const auto& [resource, devices] : all) {
    for (const auto& [id, device] : devices) {
      if (!device.healthy) continue;
      if (device.numa_nodes.empty()) tell(resource, id, devices::no_numa_node, out);
      for (const int64_t node : device.numa_nodes) tell(resource, id, node, out);
    }
  }
  return out;
}

}  // namespace pintle::kubelet::pod_resources_api

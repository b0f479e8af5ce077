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

// All of a claim is told, whichever of its requests the container uses, as upstream does.
DynamicResource claim_resource(const dynamic_resources::ClaimInfo& claim) {
  DynamicResource out;
  out.claim_name = claim.name;
  out.claim_namespace = claim.namespace_name;
  for (const auto& [driver, devices] : claim.drivers) {
    for (const auto& device : devices) {
      ClaimResource& told = out.claim_resources.emplace_back();
      told.driver_name = driver;
      told.pool_name = device.pool;
      told.device_name = device.device;
      told.share_id = device.share_id;
      for (const std::string& name : device.cdi_devices) told.cdi_devices.emplace_back().name = name;
    }
  }
  return out;
}

ContainerResources resources_of_container(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const ResourceSources& sources) {
  const std::string& uid = pod.metadata.uid;
  const std::string& name = container.name;
  ContainerResources out;
  out.name = name;
  for (const auto* claim : sources.claims.claims_of_container(pod, container)) out.dynamic_resources.push_back(claim_resource(*claim));
  if (const auto of = sources.cpus.of_pods.find(uid); of != sources.cpus.of_pods.end())
    if (const auto own = of->second.find(name); own != of->second.end()) out.cpu_ids.assign(own->second.begin(), own->second.end());
  if (const auto* blocks = sources.memory.find(uid, name)) out.memory = memory_of(*blocks);
  const auto* devices = sources.allocations.of_container(uid, name);
  if (!devices) return out;
  for (const auto& [resource, allocation] : *devices)
    for (const auto& [node, ids] : allocation.by_numa_node)
      for (const std::string& id : ids) tell(resource, id, node, out.devices);
  return out;
}

}  // namespace

PodResources resources_of(const api::core_v1::Pod& pod, const ResourceSources& sources) {
  PodResources out;
  out.name = pod.metadata.name;
  out.namespace_ = pod.metadata.namespace_;
  const auto add = [&](const api::core_v1::Container& container) { out.containers.push_back(resources_of_container(pod, container, sources)); };
  for (const auto& container : pod.spec.init_containers)
    if (rules::is_sidecar(container)) add(container);
  for (const auto& container : pod.spec.containers) add(container);
  return out;
}

std::vector<ContainerMemory> memory_of(const memory_manager::Blocks& blocks) {
  std::vector<ContainerMemory> out;
  for (const auto& block : blocks) {
    ContainerMemory& told = out.emplace_back();
    told.memory_type = block.type;
    told.size = block.size;
    auto& nodes = told.topology.ensure().nodes;
    for (const int64_t node : block.nodes) nodes.emplace_back().id = node;
  }
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

#include "scheduler/framework/resource.h"

#include <algorithm>
#include <map>

namespace pintle::scheduler {

using api::core_v1::Container;
using api::core_v1::ContainerStatus;
using api::core_v1::Pod;
using Quantities = FlatMap<api::Quantity>;

void Resource::add(const Resource& other, int64_t sign) {
  milli_cpu += sign * other.milli_cpu;
  memory += sign * other.memory;
  ephemeral_storage += sign * other.ephemeral_storage;
  for (const auto& [name, amount] : other.scalars) scalars[name] += sign * amount;
}

void Resource::max_with(const Resource& other) {
  milli_cpu = std::max(milli_cpu, other.milli_cpu);
  memory = std::max(memory, other.memory);
  ephemeral_storage = std::max(ephemeral_storage, other.ephemeral_storage);
  for (const auto& [name, amount] : other.scalars) {
    int64_t& mine = scalars[name];
    mine = std::max(mine, amount);
  }
}

int64_t* Resource::find(std::string_view name) {
  if (name == "cpu") return &milli_cpu;
  if (name == "memory") return &memory;
  if (name == "ephemeral-storage") return &ephemeral_storage;
  return scalars.get(name);
}
int64_t Resource::get(std::string_view name) const {
  const int64_t* found = const_cast<Resource*>(this)->find(name);
  return found == nullptr ? 0 : *found;
}

bool is_extended_resource(std::string_view name) {
  const bool native = name.find('/') == std::string_view::npos || name.find("kubernetes.io/") != std::string_view::npos;
  return !native && !name.starts_with("requests.");
}
bool is_scalar_resource(std::string_view name) {
  return is_extended_resource(name) || name.starts_with("hugepages-") || name.starts_with("attachable-volumes-") ||
         (name.find("kubernetes.io/") != std::string_view::npos && !name.starts_with("requests."));
}

Resource to_resource(const Quantities& quantities) {
  Resource out;
  for (const auto& [name, quantity] : quantities) {
    if (name == "cpu")
      out.milli_cpu = quantity.milli_value();
    else if (name == "memory")
      out.memory = quantity.value();
    else if (name == "ephemeral-storage")
      out.ephemeral_storage = quantity.value();
    else if (name == "pods")
      out.allowed_pods = quantity.value();
    else if (is_scalar_resource(name))
      out.scalars[name] = quantity.value();
  }
  return out;
}

namespace {

bool resize_is_infeasible(const Pod& pod) {
  for (const auto& condition : pod.status.conditions)
    if (condition.type == "PodResizePending") return condition.reason == "Infeasible";
  return false;
}

const ContainerStatus* status_of(const std::vector<ContainerStatus>& statuses, const std::string& name) {
  for (const ContainerStatus& status : statuses)
    if (status.name == name) return &status;
  return nullptr;
}

// A container that is being resized counts as the most of what is asked, given and allocated.
Resource requests_of(const Pod& pod, const Container& container, const std::vector<ContainerStatus>& statuses, bool non_zero) {
  Resource out = to_resource(container.resources.requests);
  const ContainerStatus* status = status_of(statuses, container.name);
  if (status != nullptr && status->resources) {
    Resource actual = to_resource(status->resources->requests);
    actual.max_with(to_resource(status->allocated_resources));
    if (resize_is_infeasible(pod))
      out = actual;
    else
      out.max_with(actual);
  }
  if (non_zero) {
    if (!container.resources.requests.contains("cpu")) out.milli_cpu += default_milli_cpu_request;
    if (!container.resources.requests.contains("memory")) out.memory += default_memory_request_bytes;
  }
  out.allowed_pods = 0;
  return out;
}

bool is_pod_level(std::string_view name) { return name == "cpu" || name == "memory" || name.starts_with("hugepages-"); }

}  // namespace

Resource pod_requests(const Pod& pod, bool non_zero) {
  Resource out, sidecars, init;
  for (const Container& container : pod.spec.containers) out.add(requests_of(pod, container, pod.status.container_statuses, non_zero));
  for (const Container& container : pod.spec.init_containers) {
    const bool sidecar = container.restart_policy == "Always";
    static const std::vector<ContainerStatus> none;
    Resource mine = requests_of(pod, container, sidecar ? pod.status.init_container_statuses : none, non_zero);
    if (sidecar) {
      out.add(mine);
      sidecars.add(mine);
      mine = sidecars;
    } else {
      mine.add(sidecars);
    }
    init.max_with(mine);
  }
  out.max_with(init);
  if (pod.spec.resources) {
    const Resource level = to_resource(pod.spec.resources->requests);
    for (const auto& [name, quantity] : pod.spec.resources->requests) {
      if (!is_pod_level(name)) continue;
      if (int64_t* mine = out.find(name))
        *mine = level.get(name);
      else
        out.scalars[name] = level.get(name);
    }
  }
  out.add(to_resource(pod.spec.overhead));
  return out;
}

}  // namespace pintle::scheduler

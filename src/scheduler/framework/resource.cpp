#include "scheduler/framework/resource.h"

#include <algorithm>

#include "rules/pod_resources.h"
#include "rules/resource_names.h"

namespace pintle::scheduler {

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

bool is_scalar_resource(std::string_view name) {
  return rules::is_huge_pages(name) || name.starts_with("attachable-volumes-") || name.contains("kubernetes.io/") ||
         rules::is_extended_resource(name);
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

Resource of_amounts(const FlatMap<int64_t>& amounts) {
  Resource out;
  for (const auto& [name, amount] : amounts) {
    if (int64_t* mine = out.find(name))
      *mine = amount;
    else if (is_scalar_resource(name))
      out.scalars[name] = amount;
  }
  return out;
}

// What containers count with that state no requests. Where the pod states its own, it stands for all but what nobody states.
const Quantities* unstated_requests(const Pod& pod, const FlatMap<int64_t>& stated, Quantities& room) {
  static const Quantities defaults = {{"cpu", api::Quantity::from_milli(default_milli_cpu_request)},
                                      {"memory", api::Quantity::from_int(default_memory_request_bytes)}};
  if (!rules::has_pod_level_requests(pod.spec)) return &defaults;
  for (const auto& [name, quantity] : defaults)
    if (!stated.contains(name)) room[name] = quantity;
  return room.empty() ? nullptr : &room;
}

}  // namespace

RequestedResource requested_by(const Pod& pod) {
  rules::PodResourceOptions options{.status = &pod.status, .pod_level_status = true};
  const FlatMap<int64_t> amounts = rules::pod_request_amounts(pod.spec, options);
  RequestedResource out{of_amounts(amounts), 0, 0};
  Quantities room;
  options.if_missing = unstated_requests(pod, amounts, room);
  const Resource scored = options.if_missing == nullptr ? out.requests : of_amounts(rules::pod_request_amounts(pod.spec, options));
  out.non_zero_milli_cpu = scored.milli_cpu;
  out.non_zero_memory = scored.memory;
  return out;
}

}  // namespace pintle::scheduler

// Giving devices to the containers of a pod.
#include <fmt/format.h>

#include <algorithm>

#include "codec/json_text.h"
#include "component/log.h"
#include "kubelet/devices/choice.h"
#include "kubelet/devices/device_manager.h"
#include "rules/resource_claims.h"

namespace pintle::kubelet::devices {

using api::core_v1::Container;
using api::core_v1::Pod;
namespace log = component::log;

namespace {

const Container* container_of(const Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const Container& one : *list)
      if (one.name == name) return &one;
  return nullptr;
}

}  // namespace

std::vector<DeviceManager::Want> DeviceManager::wants_of(const Pod& pod, const Container& container) const {
  std::vector<Want> out;
  for (const auto& [name, amount] : container.resources.limits) {
    const int64_t count = amount.value();
    if (count <= 0 || !counts(name) || rules::comes_by_claim(pod, container.name, name)) continue;
    out.push_back({pod.metadata.uid, container.name, name, static_cast<std::size_t>(count), {}, std::nullopt});
  }
  return out;
}

bool DeviceManager::wants_devices(const Pod& pod) const {
  const auto wants = [&](const Container& container) { return !wants_of(pod, container).empty(); };
  return std::ranges::any_of(pod.spec.init_containers, wants) || std::ranges::any_of(pod.spec.containers, wants);
}

rt::Task<Result<Unit>> DeviceManager::allocate(rt::Context ctx, PodPtr pod, std::string name, Reusable* reusable,
                                               std::optional<std::set<int64_t>> numa_nodes) {
  const Container* container = container_of(*pod, name);
  if (!container) co_return Unit{};
  const std::string& uid = pod->metadata.uid;
  std::vector<Want> wants = wants_of(*pod, *container);
  for (Want& want : wants) {
    const auto left = reusable->find(want.resource);
    if (left != reusable->end()) want.reusable = left->second;
    want.numa_nodes = numa_nodes;
    CO_TRY(co_await allocate_one(ctx, std::move(want)));
  }
  const auto* of = allocations_.of_container(uid, name);
  if (!of) co_return Unit{};
  const bool leaves = container >= pod->spec.init_containers.data() &&
                      container < pod->spec.init_containers.data() + pod->spec.init_containers.size() && !rules::is_sidecar(*container);
  for (const auto& [resource, allocation] : *of) {
    for (const std::string& id : allocation.ids()) {
      if (leaves) {
        (*reusable)[resource].insert(id);
      } else {
        (*reusable)[resource].erase(id);
      }
    }
  }
  co_return Unit{};
}

Result<bool> DeviceManager::has_already(const Want& want) const {
  const Allocation* has = allocations_.find(want.uid, want.container, want.resource);
  const DeviceIds ids = has ? has->ids() : DeviceIds();
  const auto no = [](std::string why) { return error(Reason::Invalid, std::move(why)); };
  if (has && ids.size() != want.count)
    return no(fmt::format("pod {} container {} changed request for resource {} from {} to {}", codec::go_quote(want.uid),
                          codec::go_quote(want.container), codec::go_quote(want.resource), ids.size(), want.count));
  const ResourcePtr resource = find(want.resource);
  if (!resource) return no("cannot allocate unregistered device " + want.resource);
  const DeviceIds healthy = resource->plugin ? healthy_ids(resource->devices) : DeviceIds();
  if (healthy.empty()) return no("no healthy devices present; cannot allocate unhealthy devices " + want.resource);
  if (!std::ranges::includes(healthy, ids))
    return no("previously allocated devices are no longer healthy; cannot allocate unhealthy devices " + want.resource);
  return has != nullptr;
}

// `choosing` is held: nobody else takes of it while the plugin thinks.
rt::Task<Result<DeviceIds>> DeviceManager::choose(rt::Context ctx, Want want, ResourcePtr resource) {
  CO_TRY_ASSIGN(const auto lock, co_await resource->choosing.lock(ctx));
  DeviceIds in_use = allocations_.in_use(want.resource);
  in_use.insert(resource->reserved.begin(), resource->reserved.end());
  const ChoiceInputs inputs{want.resource, resource->devices, in_use, want.reusable, want.count, want.numa_nodes};
  auto choice = Choice::make(inputs);
  if (!choice) co_return Unexpected(std::move(choice).error());
  DeviceIds preferred;
  if (!choice->complete() && resource->plugin && resource->plugin->options().get_preferred_allocation_available) {
    const auto plugin = resource->plugin;
    auto answer = co_await plugin->preferred(ctx, choice->offered(), choice->taken(), want.count);
    if (!answer) co_return Unexpected(std::move(answer).error());
    preferred = std::move(*answer);
  }
  DeviceIds ids = choice->finish(preferred);
  for (const std::string& id : ids)
    if (!in_use.contains(id)) resource->reserved.insert(id);
  co_return std::move(ids);
}

rt::Task<Result<Unit>> DeviceManager::allocate_one(rt::Context ctx, Want want) {
  CO_TRY_ASSIGN(const bool has, has_already(want));
  if (has) co_return Unit{};
  const ResourcePtr resource = find(want.resource);
  CO_TRY_ASSIGN(const DeviceIds ids, co_await choose(ctx, want, resource));
  const rt::TimePoint began = deps_.runtime.clock().now();
  Result<api::deviceplugin_v1beta1::ContainerAllocateResponse> answer =
      error(Reason::ServiceUnavailable, "endpoint " + want.resource + " has been stopped");
  if (const auto plugin = resource->plugin) answer = co_await plugin->allocate(ctx, ids);
  allocation_seconds_.with({want.resource}).observe(std::chrono::duration<double>(deps_.runtime.clock().now() - began).count());
  // No one else has reserved these: what was used before by an init container was not reserved.
  for (const std::string& id : ids) resource->reserved.erase(id);
  if (!answer) co_return Unexpected(std::move(answer).error());
  if (ctx.done()) co_return Unexpected(ctx.status());
  Allocation allocation;
  allocation.by_numa_node = by_numa_node(ids, resource->devices);
  allocation.answer = std::move(*answer);
  allocations_.put(want.uid, want.container, want.resource, std::move(allocation));
  co_return Unit{};
}

bool DeviceManager::plugins_are_back(const Pod& pod) const {
  const auto back = [&](const Container& container) {
    return std::ranges::all_of(wants_of(pod, container), [this](const Want& want) {
      const ResourcePtr resource = find(want.resource);
      return resource && resource->plugin && resource->listed && has_already(want).has_value();
    });
  };
  return std::ranges::all_of(pod.spec.init_containers, back) && std::ranges::all_of(pod.spec.containers, back);
}

rt::Task<void> DeviceManager::wait_for_plugins(rt::Context ctx, PodPtr pod) {
  const rt::Context bounded = ctx.with_timeout(deps_.timing.come_back);
  while (!bounded.done()) {
    const uint64_t seen = changes_.value();
    if (plugins_are_back(*pod)) co_return;
    (void)co_await changes_.wait(bounded, seen + 1);
  }
}

rt::Task<Result<ContainerDevices>> DeviceManager::container_devices(rt::Context ctx, PodPtr pod, std::string name) {
  const Container* container = container_of(*pod, name);
  if (!container) co_return ContainerDevices();  // an ephemeral one
  const std::string& uid = pod->metadata.uid;
  bool allocated = false;
  const std::vector<Want> wants = wants_of(*pod, *container);
  for (const Want& want : wants) {
    if (!allocations_.find(uid, name, want.resource)) {
      CO_TRY(co_await allocate_one(ctx, want));
      allocated = true;
    }
    const ResourcePtr resource = find(want.resource);
    if (!resource || !resource->options || !resource->options->pre_start_required) continue;
    const auto plugin = resource->plugin;
    if (!plugin)
      co_return error(Reason::ServiceUnavailable,
                      "device plugin PreStartContainer rpc failed with err: endpoint " + want.resource + " has been stopped");
    const Allocation* has = allocations_.find(uid, name, want.resource);
    if (!has)
      co_return error(Reason::NotFound,
                      fmt::format("no devices found allocated in local cache for pod {}, container {}, resource {}", uid, name, want.resource));
    CO_TRY(co_await plugin->pre_start(ctx, has->ids()));
  }
  if (allocated) CO_TRY(co_await save(ctx));
  co_return allocations_.container_devices(uid, name);
}

void DeviceManager::release(std::string_view uid) {
  if (!allocations_.erase_pod(uid)) return;
  changes_.increment();
  save_later();
}

}  // namespace pintle::kubelet::devices

// Plugins: how they register, what they list, how they end; what the node has of them.
#include "kubelet/devices/device_manager.h"

#include <fmt/format.h>

#include "codec/json_text.h"
#include "component/log.h"
#include "net/grpc/code.h"
#include "os/path.h"
#include "os/replace_file.h"
#include "os/socket_file.h"
#include "rpc/typed_server.h"
#include "rules/resource_names.h"

namespace pintle::kubelet::devices {

using namespace api::deviceplugin_v1beta1;
namespace log = component::log;

namespace {

constexpr uint32_t folder_mode = 0750;      // as upstream's
constexpr uint32_t checkpoint_mode = 0600;  // as upstream's
constexpr std::string_view version = "v1beta1";
constexpr double allocation_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

Unexpected<Status> refuse(std::string why) { return Unexpected(net::grpc::to_status(net::grpc::Code::Unknown, why)); }

// The sockets of plugins of an earlier life, and the kubelet's own: each plugin makes its own anew.
Result<Unit> clean(rt::Disk& disk, const std::string& folder) {
  TRY(os::make_directories(folder, folder_mode));
  TRY_ASSIGN(const auto found, os::find_sockets(folder));
  for (const os::FoundSocket& socket : found.sockets) {
    if (socket.path.contains('/')) continue;
    TRY(disk.remove(folder + "/" + socket.path));
  }
  return Unit{};
}

api::Quantity count_of(std::size_t count) { return api::Quantity::from_int(static_cast<int64_t>(count)); }

}  // namespace

DeviceManager::DeviceManager(DeviceManagerDeps deps)
    : deps_(std::move(deps)),
      server_(deps_.runtime),
      registrations_(metrics_, {"kubelet_device_plugin_registration_total",
                                "[ALPHA] Cumulative number of device plugin registrations. Broken down by resource name.",
                                {"resource_name"}}),
      allocation_seconds_(metrics_,
                          {"kubelet_device_plugin_alloc_duration_seconds",
                           "[ALPHA] Duration in seconds to serve a device plugin Allocation request. Broken down by resource name.",
                           {"resource_name"}},
                          allocation_bounds) {
  rpc::on_unary(server_, "/v1beta1.Registration/Register", *this, &DeviceManager::register_plugin);
}

DeviceManager::~DeviceManager() = default;

rt::Task<void> DeviceManager::load() {
  const std::string path = deps_.folder + "/" + checkpoint_file;
  Result<Checkpoint> read = error(Reason::NotFound, "");
  co_await deps_.runtime.run_blocking([&] {
    const auto text = deps_.runtime.disk().read(path, checkpoint_bytes_max);
    read = text ? decode_checkpoint(*text) : Result<Checkpoint>(Unexpected(text.error()));
  });
  if (!read) {
    if (read.error().reason != Reason::NotFound)
      log::error("The record of allocated devices was not read: what pods have of them is not known", read.error(), {{"path", path}});
    co_return;
  }
  allocations_ = std::move(read->allocations);
  const rt::TimePoint now = deps_.runtime.clock().now();
  for (const auto& [name, ids] : read->registered) {
    auto resource = std::make_shared<Resource>();
    resource->ended_at = now;
    resources_.emplace(name, std::move(resource));
    tasks_.spawn(drop_later(tasks_.context(), name, now));
  }
}

rt::Task<void> DeviceManager::start() {
  Result<Unit> ready = Unit{};
  co_await deps_.runtime.run_blocking([&] { ready = clean(deps_.runtime.disk(), deps_.folder); });
  if (ready) ready = server_.start(deps_.folder + "/kubelet.sock");
  if (!ready) log::error("Device plugins cannot register", ready.error(), {{"path", deps_.folder}});
}

rt::Task<void> DeviceManager::stop() {
  co_await server_.stop();
  for (const auto& [name, resource] : resources_)
    if (resource->plugin) resource->plugin->leave();
  co_await tasks_.close();
}

void DeviceManager::changed() {
  changes_.increment();
  if (deps_.node_changed) deps_.node_changed();
}

DeviceManager::ResourcePtr DeviceManager::find(std::string_view resource) const {
  const auto found = resources_.find(resource);
  return found == resources_.end() ? nullptr : found->second;
}

bool DeviceManager::counts(std::string_view resource) const { return resources_.contains(resource) || allocations_.knows(resource); }

std::set<std::string> DeviceManager::resources() const {
  std::set<std::string> out;
  for (const auto& [name, resource] : resources_) out.insert(name);
  for (const auto& [uid, containers] : allocations_.all())
    for (const auto& [container, resources] : containers)
      for (const auto& [name, allocation] : resources) out.insert(name);
  return out;
}

NodeDevices DeviceManager::on_node() const {
  NodeDevices out;
  for (const std::string& name : gone_) out.capacity[name] = out.allocatable[name] = count_of(0);
  for (const auto& [name, resource] : resources_) {
    out.capacity[name] = count_of(resource->devices.size());
    out.allocatable[name] = count_of(resource->plugin ? healthy_ids(resource->devices).size() : 0);
  }
  return out;
}

std::map<std::string, Devices> DeviceManager::devices() const {
  std::map<std::string, Devices> out;
  for (const auto& [name, resource] : resources_)
    if (resource->plugin) out.emplace(name, resource->devices);
  return out;
}

bool DeviceManager::is_healthy(std::string_view name, const std::string& id) const {
  const ResourcePtr resource = find(name);
  if (!resource) return true;
  const auto device = resource->devices.find(id);
  return device == resource->devices.end() || device->second.healthy;
}

void DeviceManager::write_health(std::string_view uid, api::core_v1::PodStatus& status) const {
  for (auto& container : status.container_statuses) {
    const auto* of = allocations_.of_container(uid, container.name);
    if (!of) continue;
    container.allocated_resources_status.clear();
    for (const auto& [name, allocation] : *of) {
      auto& told = container.allocated_resources_status.emplace_back();
      told.name = name;
      for (const std::string& id : allocation.ids()) {
        auto& device = told.resources.emplace_back();
        device.resource_id = id;
        device.health = is_healthy(name, id) ? "Healthy" : "Unhealthy";
      }
    }
  }
}

void DeviceManager::write_metrics(std::string& out) const { out += metrics_.write(); }

// --- registration ----------------------------------------------------------------------------------------------------------------

Result<Unit> DeviceManager::check_resource_name(const std::string& name) const {
  if (!rules::is_extended_resource(name)) return error(Reason::Invalid, "the ResourceName " + codec::go_quote(name) + " is invalid");
  const bool known = resources_.contains(name) || gone_.contains(name);
  if (!known && resources_.size() + gone_.size() >= resources_max)
    return error(Reason::Invalid, fmt::format("the node has {} resources of device plugins already", resources_max));
  return Unit{};
}

rt::Task<Result<DeviceManager::Registered>> DeviceManager::register_plugin(rt::Context ctx, RegisterRequest request) {
  const auto valid = check_resource_name(request.resource_name);
  if (valid) registrations_.with({request.resource_name}).add();
  if (request.version != version)
    co_return refuse(fmt::format("requested API version {} is not supported by kubelet. Supported version is [\"{}\"]",
                                 codec::go_quote(request.version), version));
  if (!valid) co_return refuse(valid.error().message);
  Result<std::shared_ptr<DevicePlugin>> opened = error(Reason::Cancelled, "not opened");
  co_await deps_.runtime.run_blocking([&] { opened = DevicePlugin::open_below(deps_.folder, request.endpoint); });
  if (!opened) co_return refuse("failed to dial device plugin: " + opened.error().message);
  const auto connected = co_await connect(std::move(ctx), request.resource_name, std::move(*opened));
  if (!connected) {
    log::error("A device plugin was not registered", connected.error(), {{"resource", request.resource_name}, {"endpoint", request.endpoint}});
    co_return refuse(connected.error().message);
  }
  co_return Registered{};
}

Result<Unit> DeviceManager::validate(const plugins::Plugin& plugin) {
  if (std::ranges::find(plugin.versions, version) == plugin.versions.end())
    return error(Reason::Invalid,
                 fmt::format("manager version, {}, is not among plugin supported versions [{}]", version, fmt::join(plugin.versions, " ")));
  const auto valid = check_resource_name(plugin.name);
  if (!valid) return error(Reason::Invalid, "invalid name of device plugin socket: " + valid.error().message);
  return Unit{};
}

rt::Task<Result<Unit>> DeviceManager::add(rt::Context ctx, plugins::Plugin plugin) {
  return connect(std::move(ctx), std::move(plugin.name), DevicePlugin::at(std::move(plugin.endpoint)));
}

rt::Task<void> DeviceManager::remove(rt::Context, plugins::Plugin plugin) {
  const ResourcePtr resource = find(plugin.name);
  if (resource && resource->plugin) resource->plugin->leave();
  co_return;
}

// One that is there already is left for the new one.
rt::Task<Result<Unit>> DeviceManager::connect(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin) {
  const auto connected = co_await plugin->connect(deps_.runtime, std::move(ctx), deps_.timing);
  if (!connected || tasks_.context().done()) {
    co_await plugin->close();
    co_return connected ? error(Reason::Cancelled, "the kubelet stops") : Result<Unit>(Unexpected(connected.error()));
  }
  ResourcePtr& resource = resources_[name];
  if (!resource) resource = std::make_shared<Resource>();
  if (resource->plugin) resource->plugin->leave();
  resource->plugin = plugin;
  resource->options = plugin->options();
  resource->listed = false;
  gone_.erase(name);
  tasks_.spawn(follow(tasks_.context(), name, std::move(plugin)));
  log::info(0, "Registered a device plugin", {{"resource", name}});
  co_return Unit{};
}

// --- a plugin's life ---------------------------------------------------------------------------------------------------------------

rt::Task<void> DeviceManager::follow(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin) {
  const auto listed = co_await take_lists(plugin->life(), name, plugin);
  co_await plugin->close();
  const ResourcePtr resource = find(name);
  if (ctx.done() || !resource || resource->plugin != plugin) co_return;
  log::info(0, "A device plugin has ended", {{"resource", name}, {"err", listed ? "" : listed.error().message}});
  ended(name);
}

rt::Task<Result<Unit>> DeviceManager::take_lists(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin) {
  CO_TRY_ASSIGN(auto lists, co_await plugin->list_and_watch(ctx));
  while (true) {
    CO_TRY_ASSIGN(auto list, co_await lists.next(ctx));
    if (!list) co_return Unit{};
    CO_TRY_ASSIGN(Devices devices, devices_of(std::move(*list)));
    const ResourcePtr resource = find(name);
    if (!resource || resource->plugin != plugin) co_return Unit{};
    take(name, std::move(devices));
    CO_TRY(co_await rt::sleep_for(ctx, deps_.timing.list_pause));
  }
}

void DeviceManager::take(const std::string& name, Devices devices) {
  Resource& resource = *resources_.at(name);
  const DeviceIds other = changed_health(resource.devices, devices);
  const bool first = !std::exchange(resource.listed, true);
  if (!first && devices == resource.devices) return;
  resource.devices = std::move(devices);
  changed();
  if (!other.empty() && deps_.health_changed) {
    const auto pods = allocations_.pods_with(name, other);
    if (!pods.empty()) deps_.health_changed(pods);
  }
  save_later();
}

void DeviceManager::ended(const std::string& name) {
  Resource& resource = *resources_.at(name);
  resource.plugin = nullptr;
  resource.listed = false;
  resource.ended_at = deps_.runtime.clock().now();
  tasks_.spawn(drop_later(tasks_.context(), name, resource.ended_at));
  changed();
  save_later();
}

rt::Task<void> DeviceManager::drop_later(rt::Context ctx, std::string name, rt::TimePoint ended_at) {
  const auto slept = co_await rt::sleep_for(ctx, deps_.timing.kept);
  const ResourcePtr resource = find(name);
  if (!slept || !resource || resource->plugin || resource->ended_at != ended_at) co_return;
  resources_.erase(name);
  gone_.insert(name);
  changed();
  save_later();
}

// --- the record --------------------------------------------------------------------------------------------------------------------

Checkpoint DeviceManager::snapshot() const {
  Checkpoint out;
  out.allocations = allocations_;
  for (const auto& [name, resource] : resources_) out.registered[name] = resource->plugin ? healthy_ids(resource->devices) : DeviceIds();
  return out;
}

rt::Task<Result<Unit>> DeviceManager::save(rt::Context ctx) {
  const uint64_t wanted = ++wanted_;
  CO_TRY_ASSIGN(const auto lock, co_await saving_.lock(std::move(ctx)));
  if (saved_ >= wanted) co_return Unit{};  // with those that came later
  const uint64_t now = wanted_;
  const std::string path = deps_.folder + "/" + checkpoint_file;
  const std::string text = encode_checkpoint(snapshot());
  Result<Unit> written = Unit{};
  co_await deps_.runtime.run_blocking([&] {
    written = os::make_directories(deps_.folder, folder_mode);
    if (written) written = os::replace_file(path, text, checkpoint_mode, os::Durability::Synced);
  });
  if (!written)
    co_return error(written.error().reason, fmt::format("failed to write checkpoint file \"{}\": {}", checkpoint_file, written.error().message));
  saved_ = now;
  co_return Unit{};
}

void DeviceManager::save_later() {
  if (std::exchange(saving_later_, true)) return;
  tasks_.spawn(save_in_background(tasks_.context()));
}

rt::Task<void> DeviceManager::save_in_background(rt::Context ctx) {
  saving_later_ = false;
  const auto saved = co_await save(ctx);
  if (!saved && !ctx.done()) log::error("The record of allocated devices was not written", saved.error());
}

}  // namespace pintle::kubelet::devices

#include "kubelet/node_plugins.h"

#include "api/gen/storage_v1.h"
#include "rt/far_time.h"

namespace pintle::kubelet {

namespace {

devices::DeviceManagerDeps device_deps(const NodePluginsDeps& deps) {
  devices::DeviceManagerDeps out{deps.runtime, deps.paths.device_plugins()};
  out.node_changed = [&changes = deps.changes] { changes.node_status(); };
  out.health_changed = [&changes = deps.changes](const std::vector<std::string>& uids) { changes.devices(uids); };
  return out;
}

dynamic_resources::ClaimManagerDeps claim_deps(const NodePluginsDeps& deps) {
  dynamic_resources::ClaimManagerDeps out{deps.runtime, deps.paths.root(), deps.cluster.client, deps.cluster.node_name};
  out.drivers_changed = [&changes = deps.changes] { changes.drivers(); };
  out.health_changed = [&changes = deps.changes](const std::vector<std::string>& uids) { changes.devices(uids); };
  out.extended_resources = deps.facts.gates.enabled("DRAExtendedResource");
  out.health = deps.facts.gates.enabled("ResourceHealthStatus");
  out.health_messages = deps.facts.gates.enabled("ResourceHealthStatusMessage");
  return out;
}

plugins::PluginWatcherDeps watcher_deps(const NodePluginsDeps& deps, plugins::PluginHandler& csi, plugins::PluginHandler& devices,
                                        plugins::PluginHandler& claims) {
  plugins::PluginWatcherDeps out{deps.runtime, deps.paths.plugins_registry()};
  out.handlers = {{plugins::csi_plugin_type, &csi}, {plugins::device_plugin_type, &devices}, {plugins::dra_plugin_type, &claims}};
  return out;
}

}  // namespace

csi_drivers::CsiDriversDeps NodePlugins::csi_deps(const NodePluginsDeps& deps) {
  csi_drivers::CsiDriversDeps out{deps.runtime, deps.cluster.client, deps.cluster.node_name};
  out.changed = [this](const std::string&) { csi_changed_(); };
  return out;
}

NodePlugins::NodePlugins(NodePluginsDeps deps)
    : csi(csi_deps(deps)), devices(device_deps(deps)), claims(claim_deps(deps)), watcher_(watcher_deps(deps, csi, devices, claims.handler())) {
  if (deps.cluster.informers) follow_csi_drivers(*deps.cluster.informers);
}

// What is said of drivers in the cluster: how often their limits are asked for, and how volumes of theirs are mounted.
void NodePlugins::follow_csi_drivers(client::Informers& informers) {
  using Driver = api::storage_v1::CSIDriver;
  const auto told = [this](const Driver& driver) {
    csi.ask_every(driver.metadata.name, rt::seconds_of(driver.spec.node_allocatable_update_period_seconds.value_or(0)));
  };
  client::Informer<Driver>::Handler handler;
  handler.on_add = [told](const auto& driver, bool) { told(*driver); };
  handler.on_update = [told](const auto&, const auto& driver) { told(*driver); };
  handler.on_delete = [this](const auto& driver) { csi.ask_every(driver->metadata.name, rt::Duration(0)); };
  csi_objects_ = informers.of<Driver>();
  csi_objects_->add_handler(std::move(handler));
}

volumes::CsiAccess NodePlugins::csi_access() {
  volumes::CsiAccess out;
  out.driver = [this](std::string_view name) { return csi.find(name); };
  out.object = [this](std::string_view name) { return csi_objects_ ? csi_objects_->get(name) : nullptr; };
  out.objects_known = [this] { return !csi_objects_ || csi_objects_->synced(); };
  return out;
}

rt::Task<void> NodePlugins::tell_when_known(rt::Context ctx) {
  const auto known = co_await csi_objects_->wait_synced(std::move(ctx));
  if (known) csi_changed_();
}

rt::Task<Result<Unit>> NodePlugins::load() {
  co_await devices.load();
  co_return co_await claims.load();
}

rt::Task<void> NodePlugins::start() {
  csi.start();
  if (csi_objects_) tasks_.spawn(tell_when_known(tasks_.context()));
  co_await devices.start();
  claims.start();
  watcher_.start();
}

rt::Task<void> NodePlugins::stop() {
  co_await tasks_.close();
  co_await watcher_.stop();
  co_await claims.stop();
  co_await devices.stop();
  co_await csi.stop();
}

}  // namespace pintle::kubelet

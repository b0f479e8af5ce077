#include "kubelet/node_plugins.h"

#include "api/gen/storage_v1.h"
#include "rt/far_time.h"

namespace pintle::kubelet {

namespace {

csi_drivers::CsiDriversDeps csi_deps(const NodePluginsDeps& deps) {
  csi_drivers::CsiDriversDeps out{deps.runtime, deps.cluster.client, deps.cluster.node_name};
  return out;
}

devices::DeviceManagerDeps device_deps(const NodePluginsDeps& deps) {
  devices::DeviceManagerDeps out{deps.runtime, deps.paths.device_plugins()};
  out.node_changed = [&changes = deps.changes] { changes.node_status(); };
  out.health_changed = [&changes = deps.changes](const std::vector<std::string>& uids) { changes.devices(uids); };
  return out;
}

plugins::PluginWatcherDeps watcher_deps(const NodePluginsDeps& deps, plugins::PluginHandler& csi, plugins::PluginHandler& devices) {
  plugins::PluginWatcherDeps out{deps.runtime, deps.paths.plugins_registry()};
  out.handlers = {{plugins::csi_plugin_type, &csi}, {plugins::device_plugin_type, &devices}};
  return out;
}

}  // namespace

NodePlugins::NodePlugins(NodePluginsDeps deps) : csi(csi_deps(deps)), devices(device_deps(deps)), watcher_(watcher_deps(deps, csi, devices)) {
  if (deps.cluster.informers) follow_csi_drivers(*deps.cluster.informers);
}

// What is said of drivers in the cluster: how often their limits are asked for.
void NodePlugins::follow_csi_drivers(client::Informers& informers) {
  using Driver = api::storage_v1::CSIDriver;
  const auto told = [this](const Driver& driver) {
    csi.ask_every(driver.metadata.name, rt::seconds_of(driver.spec.node_allocatable_update_period_seconds.value_or(0)));
  };
  client::Informer<Driver>::Handler handler;
  handler.on_add = [told](const auto& driver, bool) { told(*driver); };
  handler.on_update = [told](const auto&, const auto& driver) { told(*driver); };
  handler.on_delete = [this](const auto& driver) { csi.ask_every(driver->metadata.name, rt::Duration(0)); };
  informers.of<Driver>().add_handler(std::move(handler));
}

rt::Task<void> NodePlugins::load() { return devices.load(); }

rt::Task<void> NodePlugins::start() {
  csi.start();
  co_await devices.start();
  watcher_.start();
}

rt::Task<void> NodePlugins::stop() {
  co_await watcher_.stop();
  co_await devices.stop();
  co_await csi.stop();
}

}  // namespace pintle::kubelet

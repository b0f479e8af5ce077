#include "kubelet/node_plugins.h"

namespace pintle::kubelet {

namespace {

csi_drivers::CsiDriversDeps csi_deps(const NodePluginsDeps& deps) {
  csi_drivers::CsiDriversDeps out{deps.runtime, deps.cluster.client, deps.cluster.node_name};
  return out;
}

plugins::PluginWatcherDeps watcher_deps(const NodePluginsDeps& deps, plugins::PluginHandler& csi) {
  plugins::PluginWatcherDeps out{deps.runtime, deps.paths.plugins_registry()};
  out.handlers = {{plugins::csi_plugin_type, &csi}};
  return out;
}

}  // namespace

NodePlugins::NodePlugins(NodePluginsDeps deps) : csi(csi_deps(deps)), watcher_(watcher_deps(deps, csi)) {}

void NodePlugins::start() {
  csi.start();
  watcher_.start();
}

rt::Task<void> NodePlugins::stop() {
  co_await watcher_.stop();
  co_await csi.stop();
}

}  // namespace pintle::kubelet

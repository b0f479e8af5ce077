// NodePlugins: programs of this node that serve the kubelet, as they register. Belongs to the kubelet's executor.
#pragma once

#include "kubelet/cluster_access.h"
#include "kubelet/csi_drivers/csi_drivers.h"
#include "kubelet/plugins/plugin_watcher.h"
#include "kubelet/types/paths.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct NodePluginsDeps {
  rt::Runtime& runtime;
  ClusterAccess& cluster;
  const Paths& paths;
};

struct NodePlugins {
  explicit NodePlugins(NodePluginsDeps deps);
  // Plugins register from now on, those that are there already first.
  void start();
  // After what uses them has stopped.
  rt::Task<void> stop();

  csi_drivers::CsiDrivers csi;

 private:
  void follow_csi_drivers(client::Informers& informers);
  plugins::PluginWatcher watcher_;
};

}  // namespace pintle::kubelet

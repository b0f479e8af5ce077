// NodePlugins: programs of this node that serve the kubelet, as they register. Belongs to the kubelet's executor.
#pragma once

#include "kubelet/changes.h"
#include "kubelet/cluster_access.h"
#include "kubelet/csi_drivers/csi_drivers.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/plugins/plugin_watcher.h"
#include "kubelet/types/paths.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct NodePluginsDeps {
  rt::Runtime& runtime;
  ClusterAccess& cluster;
  const Paths& paths;
  Changes& changes;
};

struct NodePlugins {
  explicit NodePlugins(NodePluginsDeps deps);
  // What an earlier life knew of them. Before any pod is admitted.
  rt::Task<void> load();
  // Plugins register from now on, those that are there already first.
  rt::Task<void> start();
  // After what uses them has stopped.
  rt::Task<void> stop();

  csi_drivers::CsiDrivers csi;
  devices::DeviceManager devices;

 private:
  void follow_csi_drivers(client::Informers& informers);
  plugins::PluginWatcher watcher_;
};

}  // namespace pintle::kubelet

// NodePlugins: programs of this node that serve the kubelet, as they register. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <optional>

#include "kubelet/changes.h"
#include "kubelet/cluster_access.h"
#include "kubelet/csi_drivers/csi_drivers.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/dynamic_resources/claim_manager.h"
#include "kubelet/node_facts.h"
#include "kubelet/plugins/plugin_watcher.h"
#include "kubelet/types/paths.h"
#include "kubelet/volumes/csi_access.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet {

struct NodePluginsDeps {
  rt::Runtime& runtime;
  ClusterAccess& cluster;
  const Paths& paths;
  Changes& changes;
  const NodeFacts& facts;
};

struct NodePlugins {
  explicit NodePlugins(NodePluginsDeps deps);
  // What an earlier life knew of them. Before any pod is admitted. An error: the kubelet must not go on without it.
  rt::Task<Result<Unit>> load();
  // Plugins register from now on, those that are there already first.
  rt::Task<void> start();
  // After what uses them has stopped.
  rt::Task<void> stop();

  // For volumes. `changed` is called when another driver is registered, or more is known of drivers.
  volumes::CsiAccess csi_access();
  void on_csi_change(std::function<void()> changed) { csi_changed_ = std::move(changed); }

  csi_drivers::CsiDrivers csi;
  devices::DeviceManager devices;
  dynamic_resources::ClaimManager claims;

 private:
  csi_drivers::CsiDriversDeps csi_deps(const NodePluginsDeps& deps);
  void follow_csi_drivers(client::Informers& informers);
  rt::Task<void> tell_when_known(rt::Context ctx);
  plugins::PluginWatcher watcher_;
  std::function<void()> csi_changed_ = [] {};
  std::optional<client::Informer<api::storage_v1::CSIDriver>> csi_objects_;  // nullopt: no API server
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet

// CSI volumes: PersistentVolumes of a driver, attached where it asks for that, staged once for the node and published to each pod, and those that
// stand in a pod and live as long. A driver may hang, die, or come back as another at any time: what it did not answer for is not known, and is
// asked for again or undone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/client.h"
#include "kubelet/types/paths.h"
#include "kubelet/volumes/csi_access.h"
#include "kubelet/volumes/plugins/group_owner.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

// How often the claims of volumes are looked at anew, for drivers that can grow them or want them published again.
constexpr rt::Duration claims_looked_at_every = std::chrono::minutes(1);

struct CsiDeps {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no API server; what needs it fails
  Paths paths;
  std::string node_name;
  CsiAccess drivers;
  std::shared_ptr<GroupOwner> owner;
  // Events of a pod; `warning`: it is one.
  std::function<void(const api::core_v1::Pod& pod, bool warning, std::string_view reason, const std::string& message)> tell;
};
VolumePluginPtr make_csi_plugin(CsiDeps deps);

}  // namespace pintle::kubelet::volumes::plugins

// DeviceManager: the devices of this node that plugins bring: who registers is asked for its devices for as long as it lives; what of them
// pods may use is the node's to tell; containers are given some before their pod starts, and keep them until nothing of it runs.
// Allocations are on disk before they are used (checkpoint.h): a restart, also by upstream's kubelet, keeps them.
// Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "component/metrics.h"
#include "kubelet/devices/checkpoint.h"
#include "kubelet/devices/device_plugin.h"
#include "kubelet/devices/node_devices.h"
#include "kubelet/plugins/handler.h"
#include "kubelet/topology_hints/hints.h"
#include "kubelet/types/pod.h"
#include "net/grpc/server.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/version.h"

namespace pintle::kubelet::devices {

// Resources that plugins may bring, with those whose plugins have not come back, as all stand in the Node; further registrations are refused.
constexpr std::size_t resources_max = 256;

struct DeviceManagerDeps {
  rt::Runtime& runtime;
  std::string folder;  // ROOT/device-plugins: where plugins have their sockets, and the kubelet its own
  // The node has other devices than before. May be empty.
  std::function<void()> node_changed;
  // Devices of these pods are well, or are no more. May be empty.
  std::function<void(const std::vector<std::string>& uids)> health_changed;
  DeviceTiming timing;
};

class DeviceManager final : public plugins::PluginHandler {
 public:
  explicit DeviceManager(DeviceManagerDeps deps);
  ~DeviceManager() override;

  // Reads what an earlier life allocated. Before any pod is admitted.
  rt::Task<void> load();
  // Takes sockets that an earlier life left away, and serves Registration: plugins see the new socket and register.
  rt::Task<void> start();
  // Nothing is asked of it any more. Allocations stay.
  rt::Task<void> stop();

  NodeDevices on_node() const;
  // Whether it is counted here: plugins bring it, or pods have of it.
  bool counts(std::string_view resource) const;
  std::set<std::string> resources() const;

  // What init containers of a pod leave to those that come after them, by resource; for one pod that is being given devices.
  using Reusable = std::map<std::string, DeviceIds>;
  // Gives a container of the pod what it wants, of devices near `numa_nodes` first. Init containers come first, in their order. The error, in
  // upstream's words, is why the pod cannot run here: then release() it.
  rt::Task<Result<Unit>> allocate(rt::Context ctx, PodPtr pod, std::string container, Reusable* reusable,
                                  std::optional<std::set<int64_t>> numa_nodes);
  // On which nodes the container, or the pod as a whole, could have what it wants.
  topology_hints::ResourceHints hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const Reusable& reusable,
                                      const std::vector<int32_t>& machine) const;
  topology_hints::ResourceHints pod_hints(const api::core_v1::Pod& pod, const std::vector<int32_t>& machine) const;
  // What is allocated now is on disk.
  rt::Task<Result<Unit>> save(rt::Context ctx);
  // For a pod of an earlier life of which nothing runs (the machine was down): waits for its plugins, as long as they may take to come back.
  rt::Task<void> wait_for_plugins(rt::Context ctx, PodPtr pod);
  // Whether a container of it wants something that is counted here.
  bool wants_devices(const api::core_v1::Pod& pod) const;
  // Before a container starts, also again: tells plugins that want to know, and says what they want in it.
  rt::Task<Result<ContainerDevices>> container_devices(rt::Context ctx, PodPtr pod, std::string container);
  // Nothing of the pod runs any more.
  void release(std::string_view uid);

  const Allocations& allocations() const { return allocations_; }
  // By resource; those of plugins that have ended are not told.
  std::map<std::string, Devices> devices() const;
  // Into the status of the pod's app containers: how their devices are, as their plugins said last. One that is not listed any more is taken
  // for healthy, as upstream does.
  void write_health(std::string_view uid, api::core_v1::PodStatus& status) const;
  void write_metrics(std::string& out) const;

  // Plugins that register by plugins_registry.
  Result<Unit> validate(const plugins::Plugin& plugin) override;
  rt::Task<Result<Unit>> add(rt::Context ctx, plugins::Plugin plugin) override;
  rt::Task<void> remove(rt::Context ctx, plugins::Plugin plugin) override;

 private:
  struct Resource {
    std::shared_ptr<DevicePlugin> plugin;  // nullptr: it has ended, or has not come back yet
    std::optional<api::deviceplugin_v1beta1::DevicePluginOptions> options;
    bool listed = false;  // by this plugin
    Devices devices;
    rt::TimePoint ended_at{};
    DeviceIds reserved;       // chosen, and not allocated yet
    rt::AsyncMutex choosing;  // one container at a time chooses of it
  };
  using ResourcePtr = std::shared_ptr<Resource>;
  using Registered = api::deviceplugin_v1beta1::Empty;
  // Of one container, for one resource.
  struct Want {
    std::string uid;
    std::string container;
    std::string resource;
    std::size_t count = 0;
    DeviceIds reusable;
    std::optional<std::set<int64_t>> numa_nodes;
  };

  rt::Task<Result<Registered>> register_plugin(rt::Context ctx, api::deviceplugin_v1beta1::RegisterRequest request);
  Result<Unit> check_resource_name(const std::string& name) const;
  rt::Task<Result<Unit>> connect(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin);
  rt::Task<void> follow(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin);
  rt::Task<Result<Unit>> take_lists(rt::Context ctx, std::string name, std::shared_ptr<DevicePlugin> plugin);
  void take(const std::string& name, Devices devices);
  void ended(const std::string& name);
  rt::Task<void> drop_later(rt::Context ctx, std::string name, rt::TimePoint ended_at);
  void changed();

  ResourcePtr find(std::string_view resource) const;
  bool is_healthy(std::string_view resource, const std::string& id) const;
  std::vector<Want> wants_of(const api::core_v1::Pod& pod, const api::core_v1::Container& container) const;
  std::optional<std::vector<topology_hints::TopologyHint>> hints_of(const std::string& resource, std::size_t count, const DeviceIds& has,
                                                                    const DeviceIds& reusable, const std::vector<int32_t>& machine) const;
  rt::Task<Result<Unit>> allocate_one(rt::Context ctx, Want want);
  rt::Task<Result<DeviceIds>> choose(rt::Context ctx, Want want, ResourcePtr resource);
  // What is there of the want already: true if that is all.
  Result<bool> has_already(const Want& want) const;
  bool plugins_are_back(const api::core_v1::Pod& pod) const;

  Checkpoint snapshot() const;
  void save_later();
  rt::Task<void> save_in_background(rt::Context ctx);

  DeviceManagerDeps deps_;
  net::grpc::Server server_;
  std::map<std::string, ResourcePtr, std::less<>> resources_;
  std::set<std::string> gone_;  // their plugins have not come back
  Allocations allocations_;
  rt::Version changes_;
  uint64_t wanted_ = 0;  // saves
  uint64_t saved_ = 0;
  bool saving_later_ = false;
  rt::AsyncMutex saving_;
  component::metrics::Registry metrics_;
  component::metrics::CounterVec registrations_;
  component::metrics::HistogramVec allocation_seconds_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::devices

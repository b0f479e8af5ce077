// ClaimManager: the ResourceClaims of this node's pods: prepared by their drivers before a pod's sandbox is made, given to its containers, and
// unprepared when the last pod that uses them has ended. What a driver may have been asked to prepare is on disk before it is asked
// (checkpoint.h): a restart, also of upstream's kubelet, unprepares it. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"
#include "kubelet/dynamic_resources/claim_info.h"
#include "kubelet/dynamic_resources/claim_locks.h"
#include "kubelet/dynamic_resources/device_health.h"
#include "kubelet/dynamic_resources/driver_plugins.h"
#include "kubelet/dynamic_resources/metrics.h"
#include "kubelet/dynamic_resources/pod_claims.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/version.h"

namespace pintle::kubelet::dynamic_resources {

struct ClaimManagerDeps {
  rt::Runtime& runtime;
  std::string folder;                // the kubelet's root, where the record is
  client::Client* client = nullptr;  // nullptr: no API server, and no claims
  std::string node_name;
  // A driver can be asked that could not. May be empty, each.
  std::function<void()> drivers_changed;
  // Devices of these pods are well, or are no more.
  std::function<void(const std::vector<std::string>& uids)> health_changed;
  // How a claim is asked for; empty: by the client.
  std::function<rt::Task<Result<api::resource_v1::ResourceClaim>>(rt::Context ctx, std::string namespace_name, std::string name)> claim = nullptr;
  bool extended_resources = true;  // feature DRAExtendedResource
  bool health = true;              // feature ResourceHealthStatus
  bool health_messages = true;     // feature ResourceHealthStatusMessage
  DriverTiming timing = {};
};

class ClaimManager {
 public:
  explicit ClaimManager(ClaimManagerDeps deps);
  ~ClaimManager();

  // Reads what an earlier life prepared. Before any pod is admitted. An error: it cannot be read, and nobody knows what is to be unprepared.
  rt::Task<Result<Unit>> load();
  void start();
  rt::Task<void> stop();
  void node_known() { plugins_.node_known(); }
  plugins::PluginHandler& handler() { return plugins_; }

  // Its claims are ready for its containers, or the error says, in upstream's words, why not; it may be tried again. One pod at a time works on
  // a claim; who comes second finds it prepared.
  rt::Task<Result<Unit>> prepare(rt::Context ctx, PodPtr pod);
  // Nothing of the pod runs: claims that nobody else uses are taken back from their drivers. To be tried again on an error.
  rt::Task<Result<Unit>> unprepare(rt::Context ctx, std::string pod_uid);
  // Moves when a driver can be asked that could not.
  rt::Version& drivers() { return drivers_; }

  // The CDI devices that a container gets. Internal: a claim is not prepared.
  Result<std::vector<std::string>> cdi_devices(const api::core_v1::Pod& pod, const api::core_v1::Container& container) const;
  // What a container has of which claims, for those who monitor; nothing if a claim is not known.
  std::vector<const ClaimInfo*> claims_of_container(const api::core_v1::Pod& pod, const api::core_v1::Container& container) const;
  // Into the status of the pod's app containers: how the devices of their claims are.
  void write_health(const api::core_v1::Pod& pod, api::core_v1::PodStatus& status) const;
  // Pods that claims are held for.
  std::set<std::string> pods() const { return claims_.pods(); }
  void write_metrics(std::string& out) const;

 private:
  using Claim = api::resource_v1::ResourceClaim;
  using Batches = std::map<std::string, std::vector<api::dra_v1::Claim>>;  // by driver
  // A claim that a pod wants, as the API has it now.
  struct Wanted {
    std::string key;
    ClaimInfo info;
  };
  using WantedClaims = std::vector<Wanted>;
  using PluginsByDriver = std::map<std::string, std::shared_ptr<DriverPlugin>>;

  DriverPluginsDeps plugin_deps();
  rt::Task<Result<Unit>> prepare_all(rt::Context ctx, PodPtr pod);
  rt::Task<Result<WantedClaims>> look_at(rt::Context ctx, PodPtr pod, std::vector<PodClaim> claims);
  rt::Task<Result<Claim>> fetch(rt::Context ctx, std::string namespace_name, std::string name);
  rt::Task<Result<Unit>> prepare_batch(rt::Context ctx, std::shared_ptr<DriverPlugin> plugin, std::vector<api::dra_v1::Claim> claims);
  rt::Task<Result<Unit>> unprepare_all(rt::Context ctx, std::string pod_uid);
  rt::Task<Result<Unit>> unprepare_batch(rt::Context ctx, std::string driver, std::vector<api::dra_v1::Claim> claims);
  Result<Unit> take(const std::string& driver, std::vector<api::dra_v1::Device> devices, const api::dra_v1::Claim& claim);
  const ClaimInfo* find(const api::core_v1::Pod& pod, const std::string& claim) const;

  Result<Unit> take_health(const std::string& driver, api::drahealth_v1alpha1::NodeWatchResourcesResponse report);
  void tell_of_health(const std::string& driver, const DeviceHealths::Names& devices);
  rt::Task<void> expire_health(rt::Context ctx);

  rt::Task<Result<Unit>> save(rt::Context ctx);

  ClaimManagerDeps deps_;
  Metrics metrics_;
  ClaimInfos claims_;
  ClaimLocks working_;
  DeviceHealths health_;
  rt::Version reports_;  // of health
  rt::Version drivers_;
  DriverPlugins plugins_;
  uint64_t wanted_ = 0;  // saves
  uint64_t saved_ = 0;
  rt::AsyncMutex saving_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::dynamic_resources

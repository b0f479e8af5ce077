// Controller: one control loop of the controller manager, and what it is given. A controller declares its informers and
// handlers in its constructor, works between start() (called once, when the informers have their first lists) and stop().
// All controllers of a manager live on one executor: none of them needs a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "client/work_queue.h"
#include "component/certificate/keys.h"
#include "component/feature_gates.h"
#include "controller/framework/containment.h"
#include "controller/framework/families.h"
#include "rt/runtime.h"

namespace pintle::api::core_v1 {
struct Pod;
}  // namespace pintle::api::core_v1

namespace pintle::controller::pods {
class PodStore;
}  // namespace pintle::controller::pods

namespace pintle::controller {

class HostDirectories;

// A certificate authority that signs: PEM texts; both empty: that signer is off.
struct SigningAuthority {
  std::string certificate_pem;
  std::string key_pem;
};

// Pods that scrub volumes of one kind.
struct RecyclerOptions {
  std::shared_ptr<const api::core_v1::Pod> pod_template;  // its first volume is replaced; nullptr: the usual one
  int64_t minimum_timeout_seconds = 60;
  int64_t timeout_increment_seconds = 30;  // for each gibibyte
};

// What the command line decides, as plain values; the names are those of the flags.
struct ControllerOptions {
  component::FeatureGates feature_gates;
  bool allocate_node_cidrs = false;
  std::vector<std::string> cluster_cidrs;  // one, or one of each family
  std::vector<std::string> service_cidrs;  // --service-cluster-ip-range
  int node_cidr_mask_size_v4 = 24;
  int node_cidr_mask_size_v6 = 64;

  std::string root_ca_pem;                                   // of --root-ca-file: what kube-root-ca.crt holds
  std::optional<component::PrivateKey> service_account_key;  // signs tokens kept in Secrets; none: nobody makes them
  rt::Duration legacy_token_clean_up_period = std::chrono::hours(24 * 365);
  std::map<std::string, SigningAuthority> signers;  // by signer name
  // Kubelets' serving certificates are approved when they name the node's own addresses alone. Upstream leaves that to the
  // administrator; `pintle server` is one. So are the next two.
  bool approve_kubelet_serving = false;
  std::vector<std::string> reserved_serving_names;  // names and addresses that no kubelet gets a certificate for: the API server's
  // The name of a node belongs to the first key that asks for its client certificate, until the Node is deleted.
  bool bind_node_names = false;
  std::vector<std::string> reserved_node_names;  // nodes that never ask
  rt::Duration cluster_signing_duration = std::chrono::hours(24 * 365);

  rt::Duration node_monitor_grace_period = std::chrono::seconds(50);
  rt::Duration node_startup_grace_period = std::chrono::seconds(60);
  double node_eviction_rate = 0.1;  // nodes a second
  double secondary_node_eviction_rate = 0.01;
  double unhealthy_zone_threshold = 0.55;
  int large_cluster_size_threshold = 50;

  rt::Duration horizontal_pod_autoscaler_sync_period = std::chrono::seconds(15);
  rt::Duration horizontal_pod_autoscaler_downscale_stabilization = std::chrono::minutes(5);
  rt::Duration horizontal_pod_autoscaler_cpu_initialization_period = std::chrono::minutes(5);
  rt::Duration horizontal_pod_autoscaler_initial_readiness_delay = std::chrono::seconds(30);
  double horizontal_pod_autoscaler_tolerance = 0.1;

  rt::Duration attach_detach_reconcile_sync_period = std::chrono::minutes(1);  // after which an attachment that somebody took away is made again
  bool disable_attach_detach_reconcile_sync = false;                           // never
  bool disable_force_detach_on_timeout = false;

  bool enable_hostpath_provisioner = false;  // volumes below /tmp of the manager's machine are made for claims
  RecyclerOptions hostpath_recycler;
  RecyclerOptions nfs_recycler{nullptr, 300, 30};

  int terminated_pod_gc_threshold = 12500;                            // <= 0: keep all
  rt::Duration resource_quota_sync_period = std::chrono::minutes(5);  // zero: never by the clock
  int max_endpoints_per_slice = 100;
  int mirroring_max_endpoints_per_subset = 1000;
  rt::Duration endpoint_updates_batch_period{};
  std::map<std::string, int> concurrency;  // workers by controller name; absent: its default
};

struct ControllerDeps {
  std::string name;  // of the controller, as in --controllers
  rt::Runtime& runtime;
  client::Client& client;         // with the controller's own identity
  client::Informers& informers;   // shared by all controllers
  client::EventRecorder& events;  // with the controller's own source
  pods::PodStore& pods;           // shared: pods by owner, by node
  const ControllerOptions& options;
  Families& families;                                        // its own metrics
  std::shared_ptr<client::HandlerOwner> handlers = nullptr;  // the controller, as handlers that it adds later name it
  client::ClientMetrics* metrics = nullptr;                  // of its queues; nullptr: nothing is counted
  HostDirectories* host_directories = nullptr;               // nullptr: this process has no machine to make and delete volumes on

  // Of a control loop; `queue` is what upstream calls its queue in workqueue_* metrics.
  client::LoopSetup loop(std::string queue) const { return {runtime, name, std::move(queue), metrics}; }
  std::size_t workers(std::size_t usual) const {
    auto it = options.concurrency.find(name);
    return it == options.concurrency.end() || it->second < 1 ? usual : static_cast<std::size_t>(it->second);
  }
};

class Controller : public Contained {
 public:
  virtual ~Controller() = default;
  virtual void start() = 0;
  // Ends its tasks; await it before destroying the controller.
  virtual rt::Task<void> stop() = 0;
};

using ControllerFactory = std::function<std::unique_ptr<Controller>(ControllerDeps)>;

}  // namespace pintle::controller

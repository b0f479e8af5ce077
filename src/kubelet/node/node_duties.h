// NodeDuties: what the kubelet decides for the node as a whole, wired onto its pods: static pods and their mirrors, which pods are
// admitted, and the order in which pods end when the node shuts down. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "kubelet/admission/pod_admission.h"
#include "kubelet/node/node_status.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/shutdown/shutdown_plan.h"
#include "kubelet/sources/pod_config.h"
#include "kubelet/static_pods/mirror_pods.h"
#include "kubelet/static_pods/static_pod_source.h"
#include "kubelet/static_pods/url_pod_source.h"
#include "kubelet/types/waiting_reason.h"
#include "rt/runtime.h"

namespace pintle::kubelet::node {

struct NodeDutiesDeps {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // nullptr: no mirrors
  const api::kubeletconfig_v1beta1::KubeletConfiguration& config;
  sources::PodConfig& pods;
  pods::PodWorkers& workers;
  PodEvents& events;
  // The Node as the API server has it; nullptr while it is not known.
  std::function<std::shared_ptr<const api::core_v1::Node>()> node;
  // As it was measured last.
  std::function<Pressure()> pressure;
  // The resources that device plugins bring. May be empty.
  std::function<std::set<std::string>()> device_resources;
  // The node's status is to be told anew.
  std::function<void()> status_changed;
};

// What the machine is.
struct NodeDutiesOptions {
  NodeIdentity identity;
  os::MachineFacts machine;
  rules::ResourceList allocatable;
};

class NodeDuties {
 public:
  NodeDuties(NodeDutiesDeps deps, NodeDutiesOptions options);
  ~NodeDuties();

  // Invalid: an allowed sysctl that is not namespaced. BadRequest: a feature gate that nobody knows.
  Result<Unit> start();
  rt::Task<void> stop();
  // Pods of the API, or the node, have changed.
  void changed();

  // Why the node is not ready ("node is shutting down").
  std::vector<std::string> not_ready() const;
  // Pods are to be ended when the machine goes down.
  bool has_shutdown() const;
  // Takes no more pods, ends those there are by priority, each group within its time. Returns when all have ended or their
  // time is over.
  rt::Task<void> shut_down(rt::Context ctx);
  // The machine does not go down after all: pods are taken again.
  void shutdown_cancelled();
  // How long pods may take at a shutdown, all groups together.
  rt::Duration shutdown_time() const;

 private:
  Result<Unit> start_static_pods();
  void set_static_pods(const std::string& source, std::vector<PodPtr> all);
  std::optional<WaitingReason> admit(const api::core_v1::Pod& pod);
  std::shared_ptr<const api::core_v1::Node> known_node() const;
  rt::Task<void> end_group(rt::Context ctx, const shutdown::ShutdownGroup* group);

  NodeDutiesDeps deps_;
  const NodeDutiesOptions options_;
  std::unique_ptr<static_pods::StaticPodSource> static_pods_;
  std::unique_ptr<static_pods::UrlPodSource> url_pods_;
  std::unique_ptr<static_pods::MirrorPods> mirrors_;
  bool shutting_down_ = false;
  bool toleration_comparisons_ = false;
  bool declares_features_ = false;
};

}  // namespace pintle::kubelet::node

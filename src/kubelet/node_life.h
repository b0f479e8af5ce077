// NodeLife: the node as a whole: its object in the API, what it is short of and what goes for that, which pods it takes and how they end
// with it. Belongs to the kubelet's executor.
#pragma once

#include <memory>

#include "kubelet/changes.h"
#include "kubelet/eviction/manager.h"
#include "kubelet/images/image_collector.h"
#include "kubelet/node/node_agent.h"
#include "kubelet/node/node_duties.h"
#include "kubelet/node_runtime.h"
#include "kubelet/pod_life.h"

namespace pintle::kubelet {

struct NodeLifeDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  NodeRuntime& node;
  PodLife& pods;
  ClusterAccess& cluster;
  Changes& changes;
  const Paths& paths;
  const KubeletOptions& options;
  const NodeFacts& facts;
};

struct NodeLife {
  explicit NodeLife(NodeLifeDeps deps);
  // Pods are judged and static ones are read from now on, and what the node is short of is measured. Then, with an API server, its
  // informers are to be started, and then the agent.
  Result<Unit> start();
  void start_agent();
  rt::Task<void> stop();

  // The Node as the API server has it; nullptr: not known, or there is no API server.
  std::shared_ptr<const api::core_v1::Node> known() const { return agent ? agent->node() : nullptr; }
  void images_changed();
  void status_changed();

  const NodeLifeDeps deps;
  images::ImageCollector image_collector;
  eviction::EvictionManager eviction;
  node::NodeDuties duties;
  const std::unique_ptr<node::NodeAgent> agent;  // nullptr: no API server

 private:
  images::ImageCollectorDeps collector_deps();
  eviction::EvictionDeps eviction_deps();
  eviction::EvictionOptions eviction_options();
  node::NodeDutiesDeps duties_deps();
  node::NodeDutiesOptions duties_options();
  std::unique_ptr<node::NodeAgent> make_agent();
};

}  // namespace pintle::kubelet

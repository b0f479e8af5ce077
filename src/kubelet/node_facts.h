// NodeFacts: what the kubelet finds at its start and what follows from it for as long as it runs: what the machine has, what of it pods may
// use, at which limits it reclaims.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "component/feature_gates.h"
#include "kubelet/eviction/thresholds.h"
#include "kubelet/images/image_plan.h"
#include "kubelet/node/node_status.h"
#include "kubelet/options.h"
#include "kubelet/types/paths.h"
#include "os/machine.h"
#include "rt/runtime.h"

namespace pintle::kubelet {

struct NodeFacts {
  component::FeatureGates gates;
  os::MachineFacts machine;
  std::vector<std::string> masked_paths;  // of this machine, besides those of every container
  rules::ResourceList capacity;
  rules::ResourceList kept_from_pods;  // that, and what is kept free by evictionHard
  rules::ResourceList reserved;        // kubeReserved, systemReserved, reservedSystemCPUs
  rules::ResourceList allocatable;
  rules::ResourceList for_pods;  // what the cgroup of all pods is limited to
  std::vector<eviction::Threshold> thresholds;
  images::ImagePolicy image_rules;
  node::NodeIdentity identity;
};

// Makes the kubelet's root ready, on a shared mount. True: it became a mount of its own for that.
Result<bool> make_root(rt::Disk& disk, const Paths& paths);
// Ends that mount, where nothing is mounted below it.
void give_back_root(const Paths& paths);

// After make_root(), as capacity depends on its file system. Invalid, in words for the operator: a label that the API
// server would refuse for ever, a machine that swaps and may not, an entry of the configuration.
Result<NodeFacts> measure_node(const Paths& paths, const KubeletOptions& options);

}  // namespace pintle::kubelet

// NodeInfo: a node with the sums over its pods: what filters and scores read. The cache keeps one a node and changes it in
// place; a scheduling cycle never waits, so that it reads them without a copy. Preemption works on copies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/flat_map.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler {

// An image that nodes hold, by its name.
struct ImageState {
  int64_t size_bytes = 0;  // as the first node told it
  int64_t node_count = 0;
};

struct NodeInfo {
  const std::string* known_as = nullptr;  // in the cache, which has the text
  NodePtr node;                           // nullptr: pods are bound to a node that is not known (yet, or any more)
  Resource allocatable;
  Resource requested;
  int64_t non_zero_milli_cpu = 0;
  int64_t non_zero_memory = 0;
  std::vector<PlacedPodPtr> pods;
  uint32_t pods_with_affinity = 0;
  uint32_t pods_with_required_anti_affinity = 0;
  HostPorts used_ports;
  std::vector<const ImageState*> images;  // sorted by address
  FlatMap<int32_t> claims_in_use;         // "namespace/claim" to the number of pods' volumes that name it
  std::size_t index = 0;                  // place in the cache's list
  uint32_t slot = 0;                      // row of the tables that are kept beside the cache; another node's once this one is gone
  bool has_scheduling_taints = false;     // NoSchedule or NoExecute
  bool has_prefer_taints = false;

  const std::string& name() const { return node->metadata.name; }
  bool has_image(const ImageState* image) const;
  void set_node(NodePtr value);
  void add_pod(PlacedPodPtr pod);
  // False if it is not there.
  bool remove_pod(const std::string& uid);
  // The same pod, of which nothing changed that is counted. False if it is not there.
  bool replace_pod(PlacedPodPtr pod);

 private:
  void count(const PlacedPod& pod, int sign);
  std::vector<PlacedPodPtr>::reverse_iterator place_of(const std::string& uid);
};

}  // namespace pintle::scheduler

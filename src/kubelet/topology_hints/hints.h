// Topology hints: on which NUMA nodes each resource of a container could be had, and on which the container is best put. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_map.h"
#include "base/status.h"

namespace pintle::kubelet::topology_hints {

// Every set of nodes is looked at: a machine with more nodes is refused, whatever max-allowable-numa-nodes says.
constexpr std::size_t numa_nodes_max = 16;
constexpr std::size_t numa_nodes_default_max = 8;  // of max-allowable-numa-nodes

using NumaMask = uint64_t;  // bit i: node i

struct TopologyHint {
  std::optional<NumaMask> nodes;  // nullopt: no matter
  bool preferred = false;
  bool operator==(const TopologyHint&) const = default;
};
// By resource; nullopt: it has no preference; empty: it cannot be had.
using ResourceHints = std::map<std::string, std::optional<std::vector<TopologyHint>>>;

// One kind of thing: CPUs, or the devices of a resource. Each is near to the nodes in its mask; 0: nobody knows.
struct HintInputs {
  std::vector<int32_t> nodes;       // that are looked at
  std::vector<NumaMask> all;        // what there is
  std::vector<NumaMask> available;  // of it
  std::vector<NumaMask> reusable;   // of init containers: all of them count, where they are
  std::size_t request = 0;
};
// Those of the fewest nodes that could ever do are preferred.
std::vector<TopologyHint> make_hints(const HintInputs& inputs);

struct NumaNodes {
  std::vector<int32_t> nodes;
  std::map<int32_t, std::vector<uint64_t>> distances;  // to each node, in order; empty: not told
};
// `sysfs`: /sys, or a recorded tree. One node where none is told of.
NumaNodes read_numa_nodes(const std::string& sysfs);

class TopologyPolicy {
 public:
  // topologyManagerPolicy (but none) and its options. Invalid, in upstream's words.
  static Result<TopologyPolicy> make(std::string_view name, const FlatMap<std::string>& options, NumaNodes machine);
  // nullopt: the container may not run here. Else on which nodes it shall have what it gets.
  std::optional<TopologyHint> merge(const std::vector<ResourceHints>& of_providers) const;
  const NumaNodes& machine() const { return machine_; }

 private:
  enum class Kind : uint8_t { BestEffort, Restricted, SingleNumaNode };
  TopologyPolicy() = default;
  Kind kind_ = Kind::BestEffort;
  bool prefer_closest_ = false;
  NumaNodes machine_;
};

NumaMask mask_of(const std::vector<int64_t>& nodes);

}  // namespace pintle::kubelet::topology_hints

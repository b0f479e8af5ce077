// StaticPolicy: Guaranteed pods have their memory and huge pages on NUMA nodes that are theirs (memoryManagerPolicy Static), as upstream decides
// it. Pure.
#pragma once

#include <optional>
#include <set>
#include <string_view>

#include "api/gen/core_v1.h"
#include "kubelet/memory_manager/memory_state.h"
#include "kubelet/memory_manager/node_memory.h"
#include "kubelet/topology_hints/hints.h"

namespace pintle::kubelet::memory_manager {

using topology_hints::NumaMask;

// What init containers of a pod leave to those after them, by the nodes where it is; for one pod that is being given memory.
using ReusableMemory = std::map<NumaMask, MemorySizes>;

// Where a topology policy wants it.
struct WantedNodes {
  std::optional<std::set<int64_t>> nodes;  // nullopt: no policy, or no matter
  bool preferred = false;                  // by all that it was decided of
};

class StaticPolicy {
 public:
  // Invalid: more nodes than are looked at.
  static Result<StaticPolicy> make(MachineMemory untouched);

  // Whether a pod's containers are given any.
  static bool pins(const api::core_v1::Pod& pod);
  // With what an earlier life left. Invalid, in upstream's words: it does not go with this machine.
  Result<MemoryState> begin(MemoryState left) const;
  // True: it was given some; false: it wants none, or has it. Invalid, in upstream's words, where it cannot be had.
  Result<bool> allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const WantedNodes& wanted, ReusableMemory& reusable,
                        MemoryState& state) const;
  topology_hints::ResourceHints hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const ReusableMemory& reusable,
                                      const MemoryState& state) const;
  topology_hints::ResourceHints pod_hints(const api::core_v1::Pod& pod, const MemoryState& state) const;
  // Init containers before this one have ended: theirs goes back. True: there was some.
  bool begin_container(const api::core_v1::Pod& pod, std::string_view container, MemoryState& state) const;
  // True: it had some.
  bool release(std::string_view uid, MemoryState& state) const;

  const MachineMemory& machine() const { return untouched_; }

 private:
  explicit StaticPolicy(MachineMemory untouched) : untouched_(std::move(untouched)) {}
  MachineMemory untouched_;
};

}  // namespace pintle::kubelet::memory_manager

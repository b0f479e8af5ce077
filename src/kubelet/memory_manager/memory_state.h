// MemoryState: what of each NUMA node's memory is given to which container, and its record on disk (memory_manager_state) in upstream's form:
// either kubelet finds what the other wrote. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::kubelet::memory_manager {

inline constexpr const char* memory_state_file = "memory_manager_state";
constexpr std::size_t memory_state_bytes_max = 16 << 20;  // a larger file is not read

// Of one resource ("memory", "hugepages-2Mi") on one node; bytes.
struct MemoryTable {
  uint64_t total = 0;
  uint64_t system_reserved = 0;
  uint64_t allocatable = 0;
  uint64_t reserved = 0;  // for containers
  uint64_t free = 0;
  bool operator==(const MemoryTable&) const = default;
};

struct NodeMemory {
  int64_t assignments = 0;  // blocks that lie on it
  std::map<std::string, MemoryTable> of;
  std::vector<int64_t> cells;  // the nodes that it is given out with: itself, or those of a container's that needed several
  bool operator==(const NodeMemory&) const = default;
};
using MachineMemory = std::map<int64_t, NodeMemory>;  // by node

// A container's, of one resource, somewhere on these nodes.
struct Block {
  std::vector<int64_t> nodes;
  std::string type;
  uint64_t size = 0;
  bool operator==(const Block&) const = default;
};
using Blocks = std::vector<Block>;

struct MemoryState {
  std::string policy = "None";
  MachineMemory machine;
  std::map<std::string, std::map<std::string, Blocks, std::less<>>, std::less<>> of_pods;  // by uid and container
  // nullptr: it has none.
  const Blocks* find(std::string_view uid, std::string_view container) const;
};

std::string encode_memory_state(const MemoryState& state);
// BadRequest: not its form; Conflict: another checksum.
Result<MemoryState> decode_memory_state(std::string_view text);

}  // namespace pintle::kubelet::memory_manager

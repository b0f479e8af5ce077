#include "kubelet/memory_manager/static_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace pintle::kubelet::memory_manager {

using api::core_v1::Container;
using api::core_v1::Pod;
using topology_hints::ResourceHints;
using topology_hints::TopologyHint;
using Hints = std::vector<TopologyHint>;

namespace {

Unexpected<Status> no_memory(std::string_view why) { return error(Reason::Invalid, "[memorymanager] " + std::string(why)); }

// --- what is wanted ------------------------------------------------------------------------------------------------------------------

MemorySizes wants_of(const Container& container) {
  MemorySizes out;
  for (const auto& [name, amount] : container.resources.requests)
    if (is_memory_resource(name)) out[name] = static_cast<uint64_t>(std::max<int64_t>(amount.value(), 0));
  return out;
}

MemorySizes wants_of_pod(const Pod& pod) {
  MemorySizes init, sidecars, out;
  for (const Container& container : pod.spec.init_containers) {
    for (const auto& [name, size] : wants_of(container)) {
      if (rules::is_sidecar(container)) {
        sidecars[name] += size;
      } else {
        init[name] = std::max(init[name], sidecars[name] + size);
      }
    }
  }
  for (const Container& container : pod.spec.containers)
    for (const auto& [name, size] : wants_of(container)) out[name] += size;
  for (auto& [name, size] : out) size = std::max(size + sidecars[name], init[name]);
  return out;
}

// --- sets of nodes -------------------------------------------------------------------------------------------------------------------

std::vector<int64_t> nodes_in(NumaMask mask) {
  std::vector<int64_t> out;
  for (; mask != 0; mask &= mask - 1) out.push_back(std::countr_zero(mask));
  return out;
}

uint64_t sum(const MachineMemory& machine, NumaMask mask, const std::string& name, uint64_t MemoryTable::*what) {
  uint64_t out = 0;
  for (const int64_t id : nodes_in(mask)) {
    const auto node = machine.find(id);
    if (node == machine.end()) continue;
    if (const auto table = node->second.of.find(name); table != node->second.of.end()) out += table->second.*what;
  }
  return out;
}

bool has_enough(const MachineMemory& machine, NumaMask mask, const MemorySizes& wants, uint64_t MemoryTable::*what) {
  return std::ranges::all_of(wants, [&](const auto& want) { return sum(machine, mask, want.first, what) >= want.second; });
}

// A node of which something was given is given again with the same nodes alone.
bool breaks_groups(const MachineMemory& machine, NumaMask mask) {
  if (std::popcount(mask) == 1) return false;
  return std::ranges::any_of(nodes_in(mask), [&](int64_t id) {
    const auto node = machine.find(id);
    return node != machine.end() && node->second.assignments > 0 && topology_hints::mask_of(node->second.cells) != mask;
  });
}

// One that is part of a group is not given alone.
bool is_of_group(const MachineMemory& machine, NumaMask mask) {
  return std::popcount(mask) == 1 && machine.at(std::countr_zero(mask)).cells.size() > 1;
}

uint64_t left_over(const ReusableMemory& reusable, NumaMask mask, const std::string& name) {
  const auto of = reusable.find(mask);
  if (of == reusable.end()) return 0;
  const auto found = of->second.find(name);
  return found == of->second.end() ? 0 : found->second;
}

// Every set of nodes that would do; those of as few nodes as could ever do are preferred.
Hints sets_for(const MachineMemory& machine, const MemorySizes& wants, const ReusableMemory& reusable) {
  std::vector<int64_t> ids;
  for (const auto& [id, node] : machine) ids.push_back(id);
  int least = static_cast<int>(ids.size());
  Hints out;
  for (uint64_t chosen = 1; chosen < uint64_t{1} << ids.size(); ++chosen) {
    NumaMask mask = 0;
    for (const int64_t index : nodes_in(chosen)) mask |= NumaMask{1} << ids[static_cast<std::size_t>(index)];
    if (!has_enough(machine, mask, wants, &MemoryTable::allocatable)) continue;
    least = std::min(least, std::popcount(mask));
    if (is_of_group(machine, mask) || breaks_groups(machine, mask)) continue;
    const bool fits = std::ranges::all_of(wants, [&](const auto& want) {
      return sum(machine, mask, want.first, &MemoryTable::free) + left_over(reusable, mask, want.first) >= want.second;
    });
    if (fits) out.push_back({mask, false});
  }
  for (TopologyHint& hint : out) hint.preferred = std::popcount(*hint.nodes) == least;
  return out;
}

// Preferred before not, few nodes before many, lower ones before higher. `hints` are not none.
TopologyHint best_of(const Hints& hints) {
  return *std::ranges::min_element(hints, {},
                                   [](const TopologyHint& hint) { return std::tuple(!hint.preferred, std::popcount(*hint.nodes), *hint.nodes); });
}

ResourceHints for_each_resource(const MemorySizes& wants, const Hints& hints) {
  ResourceHints out;
  if (hints.empty()) return out;  // as upstream: giving it will say why not
  for (const auto& [name, size] : wants) out[name] = hints;
  return out;
}

// Of one that has its memory already. Nothing, if that is not what is wanted.
ResourceHints hints_again(const Blocks& blocks, const MemorySizes& wants) {
  ResourceHints out;
  if (blocks.size() != wants.size()) return out;
  for (const Block& block : blocks) {
    const auto want = wants.find(block.type);
    if (want == wants.end() || want->second != block.size) return {};
    auto& hints = out[block.type];
    if (!hints) hints.emplace();
    hints->push_back({topology_hints::mask_of(block.nodes), true});
  }
  return out;
}

// --- giving and taking back ------------------------------------------------------------------------------------------------------------

void give(MachineMemory& machine, const std::vector<int64_t>& nodes, const std::string& type, uint64_t size) {
  for (const int64_t id : nodes) {
    NodeMemory& node = machine[id];
    ++node.assignments;
    node.cells = nodes;
    const auto table = node.of.find(type);
    if (table == node.of.end()) continue;
    const uint64_t taken = std::min(size, table->second.free);
    table->second.reserved += taken;
    table->second.free -= taken;
    size -= taken;
  }
}

void take_back(MachineMemory& machine, const Blocks& blocks) {
  for (const Block& block : blocks) {
    uint64_t size = block.size;
    for (const int64_t id : block.nodes) {
      const auto node = machine.find(id);
      if (node == machine.end()) continue;
      if (--node->second.assignments == 0) node->second.cells = {id};
      const auto table = node->second.of.find(block.type);
      if (table == node->second.of.end()) continue;
      const uint64_t given = std::min(size, table->second.reserved);
      table->second.reserved -= given;
      table->second.free += given;
      size -= given;
    }
  }
}

bool leaves_its_memory(const Pod& pod, std::string_view container) {
  const auto found = std::ranges::find(pod.spec.init_containers, container, &Container::name);
  return found != pod.spec.init_containers.end() && !rules::is_sidecar(*found);
}

void note_reusable(const Pod& pod, const Container& container, const Blocks& blocks, ReusableMemory& reusable) {
  const bool leaves = leaves_its_memory(pod, container.name);
  for (const Block& block : blocks) {
    uint64_t& left = reusable[topology_hints::mask_of(block.nodes)][block.type];
    left = leaves ? std::max(left, block.size) : left - std::min(left, block.size);
  }
}

// What a container has of init containers before it is not counted as theirs, too.
void shrink_init_blocks(const Pod& pod, const Container& container, const Blocks& blocks, MemoryState& state) {
  auto& of_pod = state.of_pods[pod.metadata.uid];
  for (const Block& block : blocks) {
    uint64_t size = block.size;
    for (const Container& init : pod.spec.init_containers) {
      if (init.name == container.name) break;
      const auto found = of_pod.find(init.name);
      if (rules::is_sidecar(init) || found == of_pod.end()) continue;
      for (Block& one : found->second) {
        if (one.type != block.type || one.nodes != block.nodes) continue;
        const uint64_t shared = std::min(one.size, size);
        one.size -= shared;
        size -= shared;
      }
    }
  }
}

Result<NumaMask> choose(const MachineMemory& machine, const MemorySizes& wants, const WantedNodes& wanted, const ReusableMemory& reusable) {
  NumaMask mask = wanted.nodes ? topology_hints::mask_of({wanted.nodes->begin(), wanted.nodes->end()}) : 0;
  if (!wanted.nodes) {
    const Hints hints = sets_for(machine, wants, reusable);
    if (hints.empty()) return no_memory("failed to get the default NUMA affinity, no NUMA nodes with enough memory is available");
    const TopologyHint best = best_of(hints);
    if (!best.preferred && wanted.preferred) return no_memory("failed to find the default preferred hint");
    mask = *best.nodes;
  }
  if (!has_enough(machine, mask, wants, &MemoryTable::free)) {
    Hints wider = sets_for(machine, wants, reusable);
    std::erase_if(wider, [&](const TopologyHint& hint) { return (*hint.nodes & mask) != mask; });
    if (wider.empty()) return no_memory("failed to find NUMA nodes to extend the current topology hint");
    const TopologyHint best = best_of(wider);
    if (!best.preferred && wanted.preferred) return no_memory("failed to find the extended preferred hint");
    mask = *best.nodes;
  }
  if (breaks_groups(machine, mask)) return no_memory("preferred hint violates NUMA node allocation");
  return mask;
}

// --- what an earlier life left -----------------------------------------------------------------------------------------------------------

Result<Unit> check_assignments(const MemoryState& left, const MachineMemory& machine) {
  for (const auto& [uid, containers] : left.of_pods) {
    for (const auto& [container, blocks] : containers) {
      for (const Block& block : blocks) {
        for (const int64_t id : block.nodes) {
          const auto node = machine.find(id);
          if (node == machine.end())
            return no_memory(fmt::format("(pod: {}, container: {}) the memory assignment uses the NUMA that does not exist", uid, container));
          if (!node->second.of.contains(block.type))
            return no_memory(fmt::format("(pod: {}, container: {}) the memory assignment uses memory resource that does not exist", uid, container));
        }
      }
    }
  }
  return Unit{};
}

// Within a group it does not matter on which node what is free and what is given lies: that depends on the order in which it was given.
bool same(const MachineMemory& a, const MachineMemory& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [id, node] : a) {
    const auto other = b.find(id);
    const NumaMask cells = topology_hints::mask_of(node.cells);
    if (other == b.end() || node.assignments != other->second.assignments || cells != topology_hints::mask_of(other->second.cells) ||
        node.of.size() != other->second.of.size())
      return false;
    for (const auto& [type, table] : node.of) {
      const auto found = other->second.of.find(type);
      if (found == other->second.of.end() || table.total != found->second.total || table.system_reserved != found->second.system_reserved ||
          table.allocatable != found->second.allocatable)
        return false;
      for (const auto what : {&MemoryTable::free, &MemoryTable::reserved})
        if (sum(a, cells, type, what) != sum(b, cells, type, what)) return false;
    }
  }
  return true;
}

}  // namespace

Result<StaticPolicy> StaticPolicy::make(MachineMemory untouched) {
  const bool fits = untouched.size() <= topology_hints::numa_nodes_max &&
                    std::ranges::all_of(untouched, [](const auto& node) { return node.first < std::numeric_limits<NumaMask>::digits; });
  if (!fits) return no_memory(fmt::format("the policy Static takes machines of at most {} NUMA nodes", topology_hints::numa_nodes_max));
  return StaticPolicy(std::move(untouched));
}

// Pods with resources of their own as a whole are left to the gate PodLevelResourceManagers (alpha).
bool StaticPolicy::pins(const Pod& pod) { return rules::qos_class(pod) == "Guaranteed" && !pod.spec.resources; }

Result<MemoryState> StaticPolicy::begin(MemoryState left) const {
  if (left.machine.empty()) {
    if (!left.of_pods.empty()) return no_memory("machine state can not be empty when it has memory assignments");
    left.machine = untouched_;
    return left;
  }
  TRY(check_assignments(left, untouched_));
  MachineMemory expected = untouched_;
  for (const auto& [uid, containers] : left.of_pods)
    for (const auto& [container, blocks] : containers)
      for (const Block& block : blocks) give(expected, block.nodes, block.type, block.size);
  if (!same(expected, left.machine)) return no_memory("the expected machine state is different from the real one");
  return left;
}

Result<bool> StaticPolicy::allocate(const Pod& pod, const Container& container, const WantedNodes& wanted, ReusableMemory& reusable,
                                    MemoryState& state) const {
  if (!pins(pod)) return false;
  if (const Blocks* has = state.find(pod.metadata.uid, container.name)) {
    note_reusable(pod, container, *has, reusable);
    return false;
  }
  const MemorySizes wants = wants_of(container);
  TRY_ASSIGN(const NumaMask mask, choose(state.machine, wants, wanted, reusable));
  Blocks blocks;
  for (const auto& [name, size] : wants) {
    const Block& block = blocks.emplace_back(Block{nodes_in(mask), name, size});
    give(state.machine, block.nodes, name, size - std::min(size, left_over(reusable, mask, name)));
  }
  note_reusable(pod, container, blocks, reusable);
  shrink_init_blocks(pod, container, blocks, state);
  state.of_pods[pod.metadata.uid][container.name] = std::move(blocks);
  return true;
}

ResourceHints StaticPolicy::hints(const Pod& pod, const Container& container, const ReusableMemory& reusable, const MemoryState& state) const {
  if (!pins(pod)) return {};
  const MemorySizes wants = wants_of(container);
  if (const Blocks* has = state.find(pod.metadata.uid, container.name)) return hints_again(*has, wants);
  return for_each_resource(wants, sets_for(state.machine, wants, reusable));
}

ResourceHints StaticPolicy::pod_hints(const Pod& pod, const MemoryState& state) const {
  if (!pins(pod)) return {};
  const MemorySizes wants = wants_of_pod(pod);
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const Container& container : *list)
      if (const Blocks* has = state.find(pod.metadata.uid, container.name)) return hints_again(*has, wants);
  return for_each_resource(wants, sets_for(state.machine, wants, {}));
}

bool StaticPolicy::begin_container(const Pod& pod, std::string_view container, MemoryState& state) const {
  const auto of_pod = state.of_pods.find(pod.metadata.uid);
  if (of_pod == state.of_pods.end()) return false;
  bool some = false;
  for (const Container& init : pod.spec.init_containers) {
    if (init.name == container) break;
    const auto found = of_pod->second.find(init.name);
    if (rules::is_sidecar(init) || found == of_pod->second.end()) continue;
    take_back(state.machine, found->second);
    of_pod->second.erase(found);
    some = true;
  }
  return some;
}

bool StaticPolicy::release(std::string_view uid, MemoryState& state) const {
  const auto found = state.of_pods.find(uid);
  if (found == state.of_pods.end()) return false;
  for (const auto& [container, blocks] : found->second) take_back(state.machine, blocks);
  state.of_pods.erase(found);
  return true;
}

}  // namespace pintle::kubelet::memory_manager

#include "kubelet/memory_manager/node_memory.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/split.h"
#include "codec/json_text.h"
#include "kubelet/topology_hints/hints.h"
#include "os/read_file.h"

namespace pintle::kubelet::memory_manager {

namespace {

uint64_t leading(std::string_view text) {
  uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// "Node 0 MemTotal:   32765432 kB"
uint64_t memory_total(const std::string& meminfo) {
  for (const std::string_view line : split_words(meminfo, '\n')) {
    const auto words = split_words(line, ' ');
    if (words.size() >= 4 && words[2] == "MemTotal:") return leading(words[3]) << 10;
  }
  return 0;
}

std::string hugepage_resource(uint64_t kib) {
  constexpr uint64_t in_mib = 1024, in_gib = 1024 * 1024;
  if (kib % in_gib == 0) return fmt::format("hugepages-{}Gi", kib / in_gib);
  return kib % in_mib == 0 ? fmt::format("hugepages-{}Mi", kib / in_mib) : fmt::format("hugepages-{}Ki", kib);
}

// Of the sizes that x86 and Arm have, those that the node knows.
void add_hugepages(const std::string& folder, MemorySizes& out) {
  constexpr uint64_t sizes_kib[] = {64, 1024, 2048, 16'384, 32'768, 524'288, 1'048'576, 16'777'216};
  for (const uint64_t kib : sizes_kib) {
    const auto count = os::read_file(fmt::format("{}/hugepages-{}kB/nr_hugepages", folder, kib));
    if (count) out[hugepage_resource(kib)] = leading(*count) * kib << 10;
  }
}

using Sums = std::map<std::string, api::Quantity>;

void add(const rules::ResourceList& list, Sums& sums) {
  for (const auto& [name, amount] : list)
    if (is_memory_resource(name)) sums[name] = sums[name] + amount;
}

}  // namespace

bool is_memory_resource(std::string_view name) { return name == "memory" || name.starts_with("hugepages-"); }

SizesByNode read_node_memory(const std::string& sysfs, uint64_t memory_bytes) {
  SizesByNode out;
  for (const int32_t node : topology_hints::read_numa_nodes(sysfs).nodes) {
    const std::string folder = fmt::format("{}/devices/system/node/node{}", sysfs, node);
    MemorySizes& sizes = out[node];
    const auto told = os::read_file(folder + "/meminfo");
    sizes["memory"] = told ? memory_total(*told) : memory_bytes;
    add_hugepages(folder + "/hugepages", sizes);
  }
  return out;
}

Result<SizesByNode> reserved_by_node(const std::vector<api::kubeletconfig_v1beta1::MemoryReservation>& reserved, const rules::ResourceList& of_node,
                                     const SizesByNode& machine) {
  Sums told, wanted;
  SizesByNode out;
  for (const auto& one : reserved) {
    if (!machine.contains(one.numa_node))
      return error(Reason::Invalid,
                   fmt::format("the reserved memory configuration references a NUMA node {} that does not exist on this machine", one.numa_node));
    add(one.limits, told);
    for (const auto& [name, amount] : one.limits) out[one.numa_node][name] = static_cast<uint64_t>(std::max<int64_t>(amount.value(), 0));
  }
  add(of_node, wanted);
  std::set<std::string> names;
  for (const auto* sums : {&told, &wanted})
    for (const auto& [name, amount] : *sums) names.insert(name);
  for (const std::string& name : names) {
    if (told[name] == wanted[name]) continue;
    return error(Reason::Invalid, fmt::format("the total amount {} of type {} is not equal to the value {} determined by Node Allocatable feature",
                                              codec::go_quote(told[name].text()), codec::go_quote(name), codec::go_quote(wanted[name].text())));
  }
  uint64_t memory = 0;
  for (auto& [node, sizes] : out) memory += sizes["memory"];
  if (memory == 0) return error(Reason::Invalid, "[memorymanager] you should specify the system reserved memory");
  return out;
}

MachineMemory untouched(const SizesByNode& machine, const SizesByNode& reserved) {
  MachineMemory out;
  for (const auto& [node, sizes] : machine) {
    NodeMemory& memory = out[node];
    memory.cells = {node};
    uint64_t in_hugepages = 0;
    for (const auto& [name, size] : sizes)
      if (name != "memory") in_hugepages += size;
    for (const auto& [name, size] : sizes) {
      MemoryTable& table = memory.of[name];
      table.total = size;
      if (const auto of = reserved.find(node); of != reserved.end())
        if (const auto found = of->second.find(name); found != of->second.end()) table.system_reserved = found->second;
      const uint64_t taken = table.system_reserved + (name == "memory" ? in_hugepages : 0);
      table.allocatable = table.free = size > taken ? size - taken : 0;
    }
  }
  return out;
}

}  // namespace pintle::kubelet::memory_manager

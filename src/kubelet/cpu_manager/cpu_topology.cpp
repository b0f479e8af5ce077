#include "kubelet/cpu_manager/cpu_topology.h"

#include <algorithm>
#include <charconv>

#include "os/read_file.h"

namespace pintle::kubelet::cpu_manager {

namespace {

constexpr int32_t numa_nodes_looked_at_max = 1024;
constexpr int cache_levels_max = 10;

// A number in a small file; `otherwise` if there is none.
int32_t number_in(const std::string& path, int32_t otherwise) {
  const auto text = os::read_file(path);
  if (!text) return otherwise;
  const std::string_view word = os::trim(*text);
  int32_t out = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), out);
  return failed == std::errc() && end == word.data() + word.size() && out >= 0 ? out : otherwise;
}

CpuSet list_in(const std::string& path) {
  const auto text = os::read_file(path);
  const auto cpus = text ? parse_cpu_set(*text) : Result<CpuSet>(Unexpected(text.error()));
  return cpus ? *cpus : CpuSet();
}

int32_t third_level_cache(const std::string& cpu, int32_t otherwise) {
  for (int i = 0; i < cache_levels_max; ++i) {
    const std::string cache = cpu + "/cache/index" + std::to_string(i);
    const int32_t level = number_in(cache + "/level", 0);
    if (level == 0) break;
    if (level == 3) return number_in(cache + "/id", otherwise);
  }
  return otherwise;
}

}  // namespace

CpuSet CpuTopology::all() const {
  CpuSet out;
  for (const auto& [id, info] : cpus) out.insert(id);
  return out;
}

CpuSet CpuTopology::in(CpuLevel level, int32_t id, const CpuSet& of) const {
  CpuSet out;
  for (const int32_t cpu : of)
    if (const auto info = cpus.find(cpu); info != cpus.end() && info->second.*level == id) out.insert(cpu);
  return out;
}

CpuSet CpuTopology::ids(CpuLevel level, const CpuSet& of) const {
  CpuSet out;
  for (const int32_t cpu : of)
    if (const auto info = cpus.find(cpu); info != cpus.end()) out.insert(info->second.*level);
  return out;
}

std::size_t CpuTopology::cpus_per_core() const {
  const std::size_t cores = count(&CpuInfo::core);
  return cores == 0 ? 1 : std::max<std::size_t>(1, cpus.size() / cores);
}

Result<CpuTopology> read_cpu_topology(const std::string& sysfs) {
  const std::string root = sysfs + "/devices/system";
  CpuTopology out;
  for (const int32_t cpu : list_in(root + "/cpu/online")) {
    const std::string at = root + "/cpu/cpu" + std::to_string(cpu);
    CpuInfo& info = out.cpus[cpu];
    info.socket = number_in(at + "/topology/physical_package_id", 0);
    const CpuSet threads = list_in(at + "/topology/thread_siblings_list");
    info.core = threads.empty() ? cpu : *threads.begin();
  }
  if (out.cpus.empty()) return error(Reason::InternalError, "could not detect number of cpus: " + root + "/cpu/online");
  const CpuSet nodes = list_in(root + "/node/online");
  for (const int32_t node : nodes) {
    if (node >= numa_nodes_looked_at_max) break;
    for (const int32_t cpu : list_in(root + "/node/node" + std::to_string(node) + "/cpulist"))
      if (const auto info = out.cpus.find(cpu); info != out.cpus.end()) info->second.numa_node = node;
  }
  for (auto& [cpu, info] : out.cpus) info.cache = third_level_cache(root + "/cpu/cpu" + std::to_string(cpu), info.numa_node);
  return out;
}

}  // namespace pintle::kubelet::cpu_manager

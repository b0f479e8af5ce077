#include "kubelet/cpu_manager/static_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/json_text.h"
#include "kubelet/resources/pod_resources.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::cpu_manager {

using api::core_v1::Container;
using api::core_v1::Pod;

namespace {

constexpr std::string_view not_built[] = {"distribute-cpus-across-numa", "align-by-socket", "distribute-cpus-across-cores"};

Result<bool> boolean(const std::string& name, const std::string& text) {
  for (const auto* yes : {"1", "t", "T", "TRUE", "true", "True"})
    if (text == yes) return true;
  for (const auto* no : {"0", "f", "F", "FALSE", "false", "False"})
    if (text == no) return false;
  return error(Reason::Invalid,
               fmt::format("bad value for option \"{}\": strconv.ParseBool: parsing {}: invalid syntax", name, codec::go_quote(text)));
}

Unexpected<WaitingReason> unexpected(const std::string& why) {
  return Unexpected(WaitingReason{"UnexpectedAdmissionError", "Allocate failed due to " + why + ", which is unexpected"});
}

bool is_init(const Pod& pod, const Container& container) {
  return std::ranges::any_of(pod.spec.init_containers, [&](const Container& one) { return one.name == container.name; });
}

// nullptr: it has none of its own.
const CpuSet* cpus_of(const CpuState& state, const Pod& pod, const Container& container) {
  const auto of_pod = state.of_pods.find(pod.metadata.uid);
  if (of_pod == state.of_pods.end()) return nullptr;
  const auto found = of_pod->second.find(container.name);
  return found == of_pod->second.end() ? nullptr : &found->second;
}

CpuSet whole_cores(const CpuTopology& topology, const CpuSet& of) {
  CpuSet out;
  for (const int32_t core : topology.ids(&CpuInfo::core, of)) out = united(out, topology.in(&CpuInfo::core, core, topology.all()));
  return out;
}

}  // namespace

Result<StaticOptions> static_options(const FlatMap<std::string>& options) {
  StaticOptions out;
  for (const auto& [name, text] : options) {
    if (std::ranges::find(not_built, name) != std::end(not_built))
      return error(Reason::Invalid, "CPU Manager Policy option \"" + name + "\" is not supported by this kubelet");
    TRY_ASSIGN(const bool value, boolean(name, text));
    if (name == "full-pcpus-only") {
      out.full_cores_only = value;
    } else if (name == "strict-cpu-reservation") {
      out.strict_reservation = value;
    } else if (name == "prefer-align-cpus-by-uncorecache") {
      out.prefer_cache = value;
    } else {
      return error(Reason::Invalid, "unknown CPU Manager Policy option: " + codec::go_quote(name));
    }
  }
  return out;
}

Result<StaticPolicy> StaticPolicy::make(CpuTopology topology, CpuSet reserved, std::size_t reserved_count, StaticOptions options) {
  if (reserved_count == 0)
    return error(Reason::Invalid, "[cpumanager] the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero");
  StaticPolicy out;
  out.topology_ = std::move(topology);
  out.options_ = options;
  if (reserved.empty()) {
    const auto lowest = take_cpus(out.topology_, out.topology_.all(), reserved_count, {options.prefer_cache});
    if (lowest) reserved = *lowest;
  }
  if (reserved.size() != reserved_count || !without(reserved, out.topology_.all()).empty())
    return error(Reason::Invalid, fmt::format("[cpumanager] unable to reserve the required amount of CPUs (size of {} did not equal {})",
                                              format_cpu_set(reserved), reserved_count));
  out.reserved_ = std::move(reserved);
  out.reserved_cores_ = whole_cores(out.topology_, out.reserved_);
  return out;
}

Result<CpuState> StaticPolicy::begin(CpuState state) const {
  const auto wrong = [](std::string why) { return error(Reason::Invalid, std::move(why)); };
  const CpuSet all = options_.strict_reservation ? without(topology_.all(), reserved_) : topology_.all();
  if (state.shared.empty()) {
    if (!state.of_pods.empty()) return wrong("default cpuset cannot be empty");
    state.shared = all;
    return state;
  }
  const CpuSet& shared = state.shared;
  const CpuSet both = common(reserved_, shared);
  if (options_.strict_reservation && !both.empty())
    return wrong(
        fmt::format("some of strictly reserved cpus: \"{}\" are present in defaultCpuSet: \"{}\"", format_cpu_set(both), format_cpu_set(shared)));
  if (!options_.strict_reservation && both != reserved_)
    return wrong(
        fmt::format("not all reserved cpus: \"{}\" are present in defaultCpuSet: \"{}\"", format_cpu_set(reserved_), format_cpu_set(shared)));
  CpuSet known = shared;
  for (const auto& [uid, containers] : state.of_pods) {
    for (const auto& [container, cpus] : containers) {
      if (!common(shared, cpus).empty())
        return wrong(fmt::format("pod: {}, container: {} cpuset: \"{}\" overlaps with default cpuset \"{}\"", uid, container, format_cpu_set(cpus),
                                 format_cpu_set(shared)));
      known = united(known, cpus);
    }
  }
  if (known != all)
    return wrong(
        fmt::format("current set of available CPUs \"{}\" doesn't match with CPUs in state \"{}\"", format_cpu_set(all), format_cpu_set(known)));
  return state;
}

Expected<Unit, WaitingReason> StaticPolicy::check_cores(std::size_t count, const CpuState& state) const {
  if (!options_.full_cores_only) return Unit{};
  const std::size_t per_core = topology_.cpus_per_core();
  const auto smt = [](std::string why) { return Unexpected(WaitingReason{"SMTAlignmentError", "SMT Alignment Error: " + std::move(why)}); };
  if (count % per_core != 0) return smt(fmt::format("requested {} cpus not multiple cpus per core = {}", count, per_core));
  const std::size_t available = without(state.shared, reserved_cores_).size();
  if (count > available)
    return smt(fmt::format("not enough free physical CPUs: available physical CPUs = {}, requested CPUs = {}, CPUs per core = {}", available, count,
                           per_core));
  return Unit{};
}

Result<CpuSet> StaticPolicy::take(std::size_t count, const CpuSet& from, const std::optional<std::set<int64_t>>& numa_nodes) const {
  CpuSet out;
  if (numa_nodes) {
    CpuSet near;
    for (const int64_t node : *numa_nodes) near = united(near, topology_.in(&CpuInfo::numa_node, static_cast<int32_t>(node), from));
    TRY_ASSIGN(out, take_cpus(topology_, near, std::min(count, near.size()), {options_.prefer_cache}));
  }
  TRY_ASSIGN(const CpuSet rest, take_cpus(topology_, without(from, out), count - out.size(), {options_.prefer_cache}));
  return united(out, rest);
}

Expected<bool, WaitingReason> StaticPolicy::allocate(const Pod& pod, const Container& container, CpuSet& reusable, CpuState& state,
                                                     const std::optional<std::set<int64_t>>& numa_nodes) const {
  const std::size_t count = resources::exclusive_cpus(pod, container);
  if (count == 0) return false;
  if (const auto whole = check_cores(count, state); !whole) return Unexpected(whole.error());
  const bool leaves = is_init(pod, container) && !rules::is_sidecar(container);
  const CpuSet* has = cpus_of(state, pod, container);
  const bool some = has == nullptr;
  if (some) {
    auto taken = take(count, united(without(state.shared, reserved_), reusable), numa_nodes);
    if (!taken) return unexpected(taken.error().message);
    state.shared = without(state.shared, *taken);
    has = &(state.of_pods[pod.metadata.uid][container.name] = std::move(*taken));
  }
  reusable = leaves ? united(reusable, *has) : without(reusable, *has);
  return some;
}

std::vector<topology_hints::TopologyHint> StaticPolicy::hints_of(std::size_t count, const CpuSet& available, const CpuSet& reusable) const {
  const auto masks = [this](const CpuSet& cpus) {
    std::vector<topology_hints::NumaMask> out;
    for (const int32_t cpu : common(cpus, topology_.all())) out.push_back(topology_hints::mask_of({topology_.cpus.at(cpu).numa_node}));
    return out;
  };
  topology_hints::HintInputs inputs;
  const CpuSet nodes = topology_.ids(&CpuInfo::numa_node, topology_.all());
  inputs.nodes.assign(nodes.begin(), nodes.end());
  inputs.all = masks(topology_.all());
  inputs.available = masks(without(available, reusable));
  inputs.reusable = masks(reusable);
  inputs.request = count;
  return topology_hints::make_hints(inputs);
}

topology_hints::ResourceHints StaticPolicy::hints(const Pod& pod, const Container& container, const CpuSet& reusable, const CpuState& state) const {
  topology_hints::ResourceHints out;
  const std::size_t count = resources::exclusive_cpus(pod, container);
  if (count == 0) return out;
  if (const CpuSet* has = cpus_of(state, pod, container)) {
    out["cpu"] = has->size() == count ? hints_of(count, *has, {}) : std::vector<topology_hints::TopologyHint>();
  } else {
    out["cpu"] = hints_of(count, without(state.shared, reserved_), reusable);
  }
  return out;
}

topology_hints::ResourceHints StaticPolicy::pod_hints(const Pod& pod, const CpuState& state) const {
  topology_hints::ResourceHints out;
  std::size_t sidecars = 0, most = 0, plain = 0;
  CpuSet has;
  bool fits = true;
  const auto note = [&](const Container& container, std::size_t count) {
    const CpuSet* own = cpus_of(state, pod, container);
    if (!own) return;
    fits = fits && own->size() == count;
    has = united(has, *own);
  };
  for (const Container& container : pod.spec.init_containers) {
    const std::size_t count = resources::exclusive_cpus(pod, container);
    note(container, count);
    if (rules::is_sidecar(container)) {
      sidecars += count;
    } else {
      most = std::max(most, sidecars + count);
    }
  }
  for (const Container& container : pod.spec.containers) {
    const std::size_t count = resources::exclusive_cpus(pod, container);
    note(container, count);
    plain += count;
  }
  const std::size_t count = std::max(plain + sidecars, most);
  if (count == 0) return out;
  if (!fits) {
    out["cpu"].emplace();
  } else if (has.size() == count) {
    out["cpu"] = hints_of(count, has, {});
  } else {
    out["cpu"] = hints_of(count, without(state.shared, reserved_), has);
  }
  return out;
}

bool StaticPolicy::release(std::string_view uid, CpuState& state) const {
  const auto found = state.of_pods.find(uid);
  if (found == state.of_pods.end()) return false;
  for (const auto& [container, cpus] : found->second) state.shared = united(state.shared, common(cpus, topology_.all()));
  state.of_pods.erase(found);
  return true;
}

}  // namespace pintle::kubelet::cpu_manager

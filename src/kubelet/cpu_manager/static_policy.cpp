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

// Init containers come first, one after the other, and leave what they had; sidecars keep it.
Expected<bool, WaitingReason> StaticPolicy::allocate(const Pod& pod, CpuState& state) const {
  CpuState out = state;
  CpuSet reusable;
  bool some = false;
  const auto give = [&](const Container& container, bool leaves) -> Expected<Unit, WaitingReason> {
    const std::size_t count = resources::exclusive_cpus(pod, container);
    if (count == 0) return Unit{};
    if (auto whole = check_cores(count, out); !whole) return whole;
    const auto pod_has = out.of_pods.find(pod.metadata.uid);
    const auto has = pod_has == out.of_pods.end() ? CpusOfPod::const_iterator() : pod_has->second.find(container.name);
    CpuSet cpus;
    if (pod_has != out.of_pods.end() && has != pod_has->second.end()) {
      cpus = has->second;
    } else {
      auto taken = take_cpus(topology_, united(without(out.shared, reserved_), reusable), count, {options_.prefer_cache});
      if (!taken) return unexpected(taken.error().message);
      cpus = std::move(*taken);
      out.shared = without(out.shared, cpus);
      out.of_pods[pod.metadata.uid][container.name] = cpus;
      some = true;
    }
    reusable = leaves ? united(reusable, cpus) : without(reusable, cpus);
    return Unit{};
  };
  for (const Container& container : pod.spec.init_containers)
    if (auto given = give(container, !rules::is_sidecar(container)); !given) return Unexpected(std::move(given).error());
  for (const Container& container : pod.spec.containers)
    if (auto given = give(container, false); !given) return Unexpected(std::move(given).error());
  if (some) state = std::move(out);
  return some;
}

bool StaticPolicy::release(std::string_view uid, CpuState& state) const {
  const auto found = state.of_pods.find(uid);
  if (found == state.of_pods.end()) return false;
  for (const auto& [container, cpus] : found->second) state.shared = united(state.shared, common(cpus, topology_.all()));
  state.of_pods.erase(found);
  return true;
}

}  // namespace pintle::kubelet::cpu_manager

#include "kubelet/topology_hints/hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <functional>
#include <set>
#include <tuple>

#include "codec/json_text.h"
#include "kubelet/types/cpu_set.h"
#include "os/read_file.h"

namespace pintle::kubelet::topology_hints {

namespace {

using Hints = std::vector<TopologyHint>;

// What hints of several resources are together, as far as they have been looked at.
struct Merged {
  NumaMask nodes = 0;
  std::optional<NumaMask> first;  // of the first hint that has nodes, while all are the same
  bool preferred = true;
  auto operator<=>(const Merged&) const = default;
};

std::vector<Hints> listed(const std::vector<ResourceHints>& of_providers) {
  std::vector<Hints> out;
  for (const ResourceHints& hints : of_providers) {
    if (hints.empty()) out.push_back({{std::nullopt, true}});
    for (const auto& [resource, of] : hints) {
      if (!of) {
        out.push_back({{std::nullopt, true}});
      } else if (of->empty()) {
        out.push_back({{std::nullopt, false}});
      } else {
        out.push_back(*of);
      }
    }
  }
  return out;
}

// Every choice of one hint for each resource, those that come to the same counted once.
std::set<Merged> combinations(const std::vector<Hints>& all, NumaMask every_node) {
  std::set<Merged> out = {{every_node, std::nullopt, true}};
  for (const Hints& hints : all) {
    std::set<Merged> next;
    for (const Merged& so_far : out) {
      for (const TopologyHint& hint : hints) {
        Merged one = so_far;
        one.preferred = one.preferred && hint.preferred;
        if (hint.nodes) {
          one.nodes &= *hint.nodes;
          if (!one.first) one.first = *hint.nodes;
          one.preferred = one.preferred && *hint.nodes == *one.first;
        }
        if (!one.preferred) one.first.reset();  // matters for nothing else
        next.insert(one);
      }
    }
    out = std::move(next);
  }
  return out;
}

int count(NumaMask nodes) { return std::popcount(nodes); }

bool narrower(NumaMask a, NumaMask b) { return std::tuple(count(a), a) < std::tuple(count(b), b); }

// How many nodes the resource that is hardest to place needs.
int nodes_needed(const std::vector<Hints>& all) {
  int out = 0;
  for (const Hints& hints : all) {
    std::optional<NumaMask> least;
    for (const TopologyHint& hint : hints)
      if (hint.nodes && (!least || narrower(*hint.nodes, *least))) least = hint.nodes;
    if (least) out = std::max(out, count(*least));
  }
  return out;
}

double average_distance(const NumaNodes& machine, NumaMask nodes) {
  double sum = 0;
  int pairs = 0;
  for (const int32_t a : machine.nodes) {
    for (std::size_t i = 0; i < machine.nodes.size(); ++i) {
      const int32_t b = machine.nodes[i];
      if (!((nodes >> a) & 1) || !((nodes >> b) & 1)) continue;
      const auto of = machine.distances.find(a);
      if (of != machine.distances.end() && i < of->second.size()) sum += static_cast<double>(of->second[i]);
      ++pairs;
    }
  }
  return pairs == 0 ? 0 : sum / pairs;
}

Result<bool> flag(const std::string& name, const std::string& text) {
  if (text == "true" || text == "1" || text == "t" || text == "T" || text == "TRUE" || text == "True") return true;
  if (text == "false" || text == "0" || text == "f" || text == "F" || text == "FALSE" || text == "False") return false;
  return error(Reason::Invalid, fmt::format("bad value for option \"{}\": {}", name, codec::go_quote(text)));
}

}  // namespace

NumaMask mask_of(const std::vector<int64_t>& nodes) {
  NumaMask out = 0;
  for (const int64_t node : nodes)
    if (node >= 0 && node < 64) out |= NumaMask{1} << node;
  return out;
}

std::vector<TopologyHint> make_hints(const HintInputs& in) {
  std::vector<TopologyHint> out;
  int least = static_cast<int>(in.nodes.size());
  const auto within = [](const std::vector<NumaMask>& things, NumaMask mask) {
    return static_cast<std::size_t>(std::ranges::count_if(things, [mask](NumaMask one) { return (one & mask) != 0; }));
  };
  for (std::size_t choice = 1; choice < (std::size_t{1} << in.nodes.size()); ++choice) {
    NumaMask mask = 0;
    for (std::size_t i = 0; i < in.nodes.size(); ++i)
      if ((choice >> i) & 1) mask |= NumaMask{1} << in.nodes[i];
    if (within(in.all, mask) >= in.request) least = std::min(least, count(mask));
    const bool covers = std::ranges::all_of(in.reusable, [mask](NumaMask one) { return one == 0 || (one & mask) != 0; });
    if (covers && within(in.reusable, mask) + within(in.available, mask) >= in.request) out.push_back({mask, false});
  }
  for (TopologyHint& hint : out) hint.preferred = count(*hint.nodes) == least;
  return out;
}

NumaNodes read_numa_nodes(const std::string& sysfs) {
  NumaNodes out;
  const std::string root = sysfs + "/devices/system/node";
  const auto online = os::read_file(root + "/online");
  const auto nodes = online ? parse_cpu_set(*online) : Result<CpuSet>(CpuSet());
  if (nodes) out.nodes.assign(nodes->begin(), nodes->end());
  if (out.nodes.empty()) out.nodes = {0};
  for (const int32_t node : out.nodes) {
    const std::string text = os::read_file(root + "/node" + std::to_string(node) + "/distance").value_or("");
    std::string_view left = os::trim(text);
    while (!left.empty()) {
      uint64_t distance = 0;
      const auto [end, failed] = std::from_chars(left.data(), left.data() + left.size(), distance);
      if (failed != std::errc()) break;
      out.distances[node].push_back(distance);
      left = os::trim(left.substr(static_cast<std::size_t>(end - left.data())));
    }
  }
  return out;
}

Result<TopologyPolicy> TopologyPolicy::make(std::string_view name, const FlatMap<std::string>& options, NumaNodes machine) {
  TopologyPolicy out;
  if (name == "best-effort") {
    out.kind_ = Kind::BestEffort;
  } else if (name == "restricted") {
    out.kind_ = Kind::Restricted;
  } else if (name == "single-numa-node") {
    out.kind_ = Kind::SingleNumaNode;
  } else {
    return error(Reason::Invalid, "unknown policy: " + codec::go_quote(name));
  }
  std::size_t nodes_max = numa_nodes_default_max;
  for (const auto& [option, text] : options) {
    if (option == "prefer-closest-numa-nodes") {
      TRY_ASSIGN(out.prefer_closest_, flag(option, text));
    } else if (option == "max-allowable-numa-nodes") {
      const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), nodes_max);
      if (failed != std::errc() || end != text.data() + text.size())
        return error(Reason::Invalid, fmt::format("unable to convert policy option to integer \"{}\": {}", option, codec::go_quote(text)));
      if (nodes_max < numa_nodes_default_max)
        return error(Reason::Invalid, fmt::format("the minimum value of \"{}\" should not be less than {}", option, numa_nodes_default_max));
    } else {
      return error(Reason::Invalid, "unknown Topology Manager Policy option: " + codec::go_quote(option));
    }
  }
  nodes_max = std::min(nodes_max, numa_nodes_max);
  if (machine.nodes.size() > nodes_max || std::ranges::any_of(machine.nodes, [](int32_t node) { return node >= 64; }))
    return error(Reason::Invalid, fmt::format("unsupported on machines with more than {} NUMA Nodes", nodes_max));
  out.machine_ = std::move(machine);
  return out;
}

std::optional<TopologyHint> TopologyPolicy::merge(const std::vector<ResourceHints>& of_providers) const {
  NumaMask every_node = 0;
  for (const int32_t node : machine_.nodes) every_node |= NumaMask{1} << node;
  std::vector<Hints> all = listed(of_providers);
  if (kind_ == Kind::SingleNumaNode) {
    for (Hints& hints : all)
      std::erase_if(hints, [](const TopologyHint& hint) { return !hint.preferred || (hint.nodes && count(*hint.nodes) != 1); });
  }
  const int needed = nodes_needed(all);
  // The best is the least: preferred ones first; of others those whose number of nodes comes closest to what is needed without going past it.
  const auto rank = [&](const Merged& one) {
    const int nodes = count(one.nodes);
    const bool past = !one.preferred && nodes > needed;
    const int by_count = one.preferred || past ? nodes : needed - nodes;
    const bool closest = prefer_closest_ && kind_ != Kind::SingleNumaNode;
    return std::tuple(!one.preferred, past, by_count, closest ? average_distance(machine_, one.nodes) : 0.0, one.nodes);
  };
  std::optional<Merged> best;
  for (const Merged& one : combinations(all, every_node)) {
    if (one.nodes == 0) continue;
    if (!best || rank(one) < rank(*best)) best = one;
  }
  TopologyHint out{every_node, false};
  if (best) out = {best->nodes, best->preferred};
  if (kind_ == Kind::SingleNumaNode && out.nodes == every_node) out.nodes = std::nullopt;
  if (kind_ != Kind::BestEffort && !out.preferred) return std::nullopt;
  return out;
}

}  // namespace pintle::kubelet::topology_hints

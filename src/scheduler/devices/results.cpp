#include "scheduler/devices/results.h"

#include <algorithm>
#include <map>
#include <set>

namespace pintle::scheduler::devices {

namespace {

using api::core_v1::NodeSelector;
using api::core_v1::NodeSelectorRequirement;

bool has_requirement(const std::vector<NodeSelectorRequirement>& all, const NodeSelectorRequirement& wanted) {
  const std::set<std::string> values(wanted.values.begin(), wanted.values.end());
  return std::ranges::any_of(all, [&](const auto& r) {
    return r.key == wanted.key && r.operator_ == wanted.operator_ && std::set<std::string>(r.values.begin(), r.values.end()) == values;
  });
}
void add_requirements(std::vector<NodeSelectorRequirement>& to, const std::vector<NodeSelectorRequirement>& from) {
  for (const auto& requirement : from)
    if (!has_requirement(to, requirement)) to.push_back(requirement);
}

// Where the devices can be used: on the node itself as soon as one is bound to it. An empty Box: everywhere.
Result<Box<NodeSelector>> nodes_of(std::span<const ChosenDevice> devices, const std::string& node) {
  api::core_v1::NodeSelectorTerm term;
  for (const ChosenDevice& chosen : devices) {
    const auto& spec = chosen.slice->spec();
    const v1::Device& device = spec.devices[chosen.at];
    const bool per_device = chosen.slice->selects_per_device();
    if ((per_device ? device.node_name : spec.node_name) || device.binds_to_node.value_or(false)) {
      NodeSelectorRequirement name;
      name.key = "metadata.name";
      name.operator_ = "In";
      name.values = {node};
      NodeSelector out;
      out.node_selector_terms.emplace_back().match_fields.push_back(std::move(name));
      return Box<NodeSelector>(std::move(out));
    }
    const NodeSelector* selector = (per_device ? device.node_selector : spec.node_selector).get();
    if (selector == nullptr || selector->node_selector_terms.empty()) continue;
    if (selector->node_selector_terms.size() > 1)
      return bad_request("unsupported ResourceSlice.NodeSelector with " + std::to_string(selector->node_selector_terms.size()) + " terms");
    add_requirements(term.match_fields, selector->node_selector_terms[0].match_fields);
    add_requirements(term.match_expressions, selector->node_selector_terms[0].match_expressions);
  }
  if (term.match_fields.empty() && term.match_expressions.empty()) return Box<NodeSelector>();
  NodeSelector out;
  out.node_selector_terms.push_back(std::move(term));
  return Box<NodeSelector>(std::move(out));
}

v1::DeviceAllocationConfiguration configuration(const v1::DeviceConfiguration& from, std::string_view source, std::vector<std::string> requests) {
  v1::DeviceAllocationConfiguration out;
  out.opaque = from.opaque;
  out.source = source;
  out.requests = std::move(requests);
  return out;
}

// A class's configuration stands once, with all the requests that it is for; a claim's as often as it names requests, as upstream has it.
std::vector<v1::DeviceAllocationConfiguration> configurations(const v1::DeviceClaim& claim, std::span<const ChosenWay> ways) {
  std::vector<v1::DeviceAllocationConfiguration> out;
  std::map<std::string_view, std::pair<std::size_t, std::size_t>> of_class;
  for (const ChosenWay& chosen : ways) {
    const auto [known, fresh] = of_class.try_emplace(chosen.device_class->metadata.name, out.size(), out.size());
    if (fresh) {
      for (const auto& config : chosen.device_class->spec.config) out.push_back(configuration(config, "FromClass", {chosen.way->full_name}));
      known->second.second = out.size();
      continue;
    }
    for (std::size_t i = known->second.first; i < known->second.second; ++i) out[i].requests.push_back(chosen.way->full_name);
  }
  for (const auto& config : claim.config) {
    if (config.requests.empty()) out.push_back(configuration(config, "FromClaim", {}));
    const auto names = [&](std::string_view name) { return std::ranges::find(config.requests, name) != config.requests.end(); };
    for (const ChosenWay& chosen : ways)
      if (names(chosen.way->base()) || names(chosen.way->full_name)) out.push_back(configuration(config, "FromClaim", config.requests));
  }
  return out;
}

}  // namespace

Result<v1::AllocationResult> make_result(const v1::ResourceClaim& claim, std::span<const ChosenWay> ways, std::span<const ChosenDevice> devices,
                                         const std::string& node, const Features& features) {
  v1::AllocationResult out;
  for (const ChosenDevice& chosen : devices) {
    const v1::Device& device = chosen.slice->spec().devices[chosen.at];
    auto& result = out.devices.results.emplace_back();
    result.request = chosen.way->full_name;
    result.driver = chosen.slice->spec().driver;
    result.pool = chosen.slice->spec().pool.name;
    result.device = device.name;
    if (chosen.way->admin()) result.admin_access = true;
    result.tolerations = chosen.way->tolerations;
    result.share_id = chosen.share_id;
    result.consumed_capacity = chosen.consumed;
    if (!features.binding_conditions) continue;
    result.binding_conditions = device.binding_conditions;
    result.binding_failure_conditions = device.binding_failure_conditions;
  }
  out.devices.config = configurations(claim.spec.devices, ways);
  auto nodes = nodes_of(devices, node);
  if (!nodes) return bad_request("create NodeSelector for claim " + claim.metadata.name + ": " + nodes.error().message);
  out.node_selector = std::move(*nodes);
  return out;
}

}  // namespace pintle::scheduler::devices

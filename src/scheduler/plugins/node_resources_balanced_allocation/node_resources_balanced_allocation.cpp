#include "scheduler/plugins/node_resources_balanced_allocation/node_resources_balanced_allocation.h"

#include <algorithm>

#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/node_resources_fit/allocation_score.h"

namespace pintle::scheduler::plugins {

namespace {

struct State : StateOf<State> {
  std::vector<int64_t> requests;
};

class NodeResourcesBalancedAllocation final : public Plugin, public PreScorePlugin, public ScorePlugin {
 public:
  explicit NodeResourcesBalancedAllocation(std::vector<WeightedResource> resources) : resources_(std::move(resources)) {}

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    auto data = std::make_unique<State>();
    for (const WeightedResource& resource : resources_) data->requests.push_back(pod.requests().get(resource.name));
    // Pods that ask for nothing change no balance: scoring them would gather them on one node.
    if (std::ranges::all_of(data->requests, [](int64_t amount) { return amount == 0; })) return PluginStatus::skip();
    state.put(index, std::move(data));
    return {};
  }
  bool scores_node_alone() const override { return true; }
  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    const std::vector<int64_t>& requests = state.get<State>(index)->requests;
    std::vector<Usage> usages(resources_.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      usages_of(*nodes[i], resources_, requests, false, usages);
      scores[i] = balanced_score(usages);
    }
    return {};
  }

 private:
  const std::vector<WeightedResource> resources_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_resources_balanced_allocation(const PluginDeps&, const std::string& args) {
  TRY_ASSIGN(auto parsed, parse_args<api::kubeschedulerconfig_v1::NodeResourcesBalancedAllocationArgs>(args));
  for (const auto& resource : parsed.resources)
    if (resource.weight > 1) return bad_request("resources: Invalid value: resource weight of " + resource.name + " not in valid range (0, 1]");
  return std::make_unique<NodeResourcesBalancedAllocation>(weighted_resources(parsed.resources));
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/node_name/node_name.h"

namespace pintle::scheduler::plugins {

namespace {

class NodeName final : public Plugin, public FilterPlugin {
 public:
  std::vector<EventInterest> interests() const override { return {{EventResource::Node, action::add, nullptr}}; }
  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    const std::string& wanted = pod.pod->spec.node_name;
    if (wanted.empty() || wanted == node.name()) return Code::Success;
    reasons.add("node(s) didn't match the requested node name");
    return Code::UnschedulableAndUnresolvable;
  }
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_name(const PluginDeps&, const std::string&) { return std::make_unique<NodeName>(); }

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/node_ports/node_ports.h"

#include <algorithm>

namespace pintle::scheduler::plugins {

namespace {

class NodePorts final : public Plugin, public PreFilterPlugin, public FilterPlugin {
 public:
  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [](const PodInfo& pod, const EventInstance& event) {
      const Pod& gone = *event.before<Pod>();
      if (gone.spec.node_name.empty()) return QueueingHint::Skip;
      const auto freed = host_ports_of(gone);
      const bool helps = std::ranges::any_of(freed, [&](const HostPort& port) {
        return std::ranges::any_of(pod.demands->host_ports, [&](const HostPort& want) { return clash(port, want); });
      });
      return helps ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Pod, action::remove, on_pod, true}, {EventResource::Node, action::add, nullptr}};
  }
  PluginStatus pre_filter(CycleState&, const PodInfo& pod, NodeNames&) override {
    return pod.demands->host_ports.empty() ? PluginStatus::skip() : PluginStatus();
  }
  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    if (!node.used_ports.conflicts(pod.demands->host_ports)) return Code::Success;
    reasons.add("node(s) didn't have free ports for the requested pod ports");
    return Code::Unschedulable;
  }
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_ports(const PluginDeps&, const std::string&) { return std::make_unique<NodePorts>(); }

}  // namespace pintle::scheduler::plugins

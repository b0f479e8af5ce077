#include "scheduler/plugins/scheduling_gates/scheduling_gates.h"

namespace pintle::scheduler::plugins {

namespace {

class SchedulingGates final : public Plugin, public PreEnqueuePlugin {
 public:
  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [](const PodInfo& pod, const EventInstance& event) {
      const Pod* after = event.after<Pod>();
      return after != nullptr && after->metadata.uid == pod.uid() && after->spec.scheduling_gates.empty() ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Pod, action::update_pod_scheduling_gates_eliminated, on_pod}};
  }
  PluginStatus pre_enqueue(const PodInfo& pod) override {
    const auto& gates = pod.pod->spec.scheduling_gates;
    if (gates.empty()) return {};
    std::string names;
    for (const auto& gate : gates) names += (names.empty() ? "" : " ") + gate.name;
    return PluginStatus::of(Code::UnschedulableAndUnresolvable, "waiting for scheduling gates: [" + names + "]");
  }
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_scheduling_gates(const PluginDeps&, const std::string&) { return std::make_unique<SchedulingGates>(); }

}  // namespace pintle::scheduler::plugins

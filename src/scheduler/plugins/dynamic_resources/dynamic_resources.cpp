#include "scheduler/plugins/dynamic_resources/dynamic_resources.h"

#include "api/gen/kubeschedulerconfig_v1.h"
#include "scheduler/framework/plugin_args.h"

namespace pintle::scheduler::plugins {

namespace {

struct State : StateOf<State> {};

class DynamicResources final : public Plugin, public PreFilterPlugin, public PostFilterPlugin {
 public:
  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    state.put(index, std::make_unique<State>());
    if (pod.pod->spec.resource_claims.empty()) return PluginStatus::skip();
    return PluginStatus::of(Code::UnschedulableAndUnresolvable, "resource claims are not allocated by this scheduler");
  }
  // Upstream's words, which are part of every message about a pod that fits nowhere.
  PostFilterResult post_filter(CycleState& state, const PodInfo&, const Diagnosis&) override {
    PostFilterResult out;
    out.status = state.get<State>(index) == nullptr
                     ? PluginStatus::of(Code::Error, "not found")  // another PreFilter came first: no later plugin is asked
                     : PluginStatus::of(Code::Unschedulable, "no new claims to deallocate");
    return out;
  }
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_dynamic_resources(const PluginDeps&, const std::string& args) {
  TRY(parse_args<api::kubeschedulerconfig_v1::DynamicResourcesArgs>(args));
  return std::make_unique<DynamicResources>();
}

}  // namespace pintle::scheduler::plugins

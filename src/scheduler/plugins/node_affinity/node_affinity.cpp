#include "scheduler/plugins/node_affinity/node_affinity.h"

#include "api/gen/kubeschedulerconfig_v1.h"
#include "rules/node_selector.h"
#include "scheduler/framework/normalize.h"
#include "scheduler/framework/plugin_args.h"

namespace pintle::scheduler::plugins {

namespace {

using rules::NodeSelectorTerm;
using rules::RequiredNodeAffinity;

struct Preference {
  NodeSelectorTerm term;
  int32_t weight;
};

struct State : StateOf<State> {
  RequiredNodeAffinity required;
  std::vector<Preference> preferred;
};

// Node names that a term pins by metadata.name; none: it pins nothing.
NodeNames pinned_by(const api::core_v1::NodeSelectorTerm& term) {
  NodeNames out;
  for (const auto& field : term.match_fields) {
    if (field.key != "metadata.name" || field.operator_ != "In") continue;
    std::set<std::string> names(field.values.begin(), field.values.end());
    if (!out)
      out = std::move(names);
    else
      std::erase_if(*out, [&](const std::string& name) { return !names.contains(name); });
  }
  return out;
}

// Adds the terms of weight; the first that does not parse is an error.
PluginStatus add_preferences(const std::vector<api::core_v1::PreferredSchedulingTerm>& terms, std::vector<Preference>& out) {
  for (const auto& term : terms) {
    if (term.weight == 0 || (term.preference.match_expressions.empty() && term.preference.match_fields.empty())) continue;
    NodeSelectorTerm compiled(term.preference);
    if (!compiled.problem().empty()) return PluginStatus::of(Code::Error, compiled.problem());
    out.push_back({std::move(compiled), term.weight});
  }
  return {};
}

class NodeAffinity final : public Plugin, public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  Result<Unit> configure(const std::string& args) {
    TRY_ASSIGN(auto parsed, parse_args<api::kubeschedulerconfig_v1::NodeAffinityArgs>(args));
    if (!parsed.added_affinity) return Unit{};
    const auto& added = *parsed.added_affinity;
    if (added.required_during_scheduling_ignored_during_execution) added_.emplace(*added.required_during_scheduling_ignored_during_execution);
    const PluginStatus status = add_preferences(added.preferred_during_scheduling_ignored_during_execution, added_preferences_);
    if (!status.ok()) return bad_request("addedAffinity: " + status.message());
    return Unit{};
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      const auto matches = [&](const Node& node) { return (!added_ || added_->matches(node)) && RequiredNodeAffinity(pod.pod->spec).matches(node); };
      const bool before = event.before<Node>() != nullptr && matches(*event.before<Node>());
      return !before && matches(*event.after<Node>()) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add | action::update_node_label, on_node, true}};
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames& nodes) override {
    RequiredNodeAffinity required(pod.pod->spec);
    if (required.matches_everything() && !added_) return PluginStatus::skip();
    auto data = std::make_unique<State>();
    data->required = std::move(required);
    state.put(index, std::move(data));
    const auto* affinity = pod.pod->spec.affinity ? pod.pod->spec.affinity->node_affinity.get() : nullptr;
    if (affinity == nullptr || !affinity->required_during_scheduling_ignored_during_execution) return {};
    std::set<std::string> pinned;
    const auto& terms = affinity->required_during_scheduling_ignored_during_execution->node_selector_terms;
    for (const auto& term : terms) {
      const NodeNames names = pinned_by(term);
      if (!names) return {};
      pinned.insert(names->begin(), names->end());
    }
    if (terms.empty()) return {};
    if (pinned.empty()) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "pod affinity terms conflict");
    nodes = std::move(pinned);
    return {};
  }

  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState& state, const PodInfo&, const NodeInfo& node, Reasons& reasons) const override {
    if (added_ && !added_->matches(*node.node)) {
      reasons.add("node(s) didn't match scheduler-enforced node affinity");
      return Code::UnschedulableAndUnresolvable;
    }
    if (state.get<State>(index)->required.matches(*node.node)) return Code::Success;
    reasons.add("node(s) didn't match Pod's node affinity/selector");
    return Code::UnschedulableAndUnresolvable;
  }

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    std::vector<Preference> preferred = added_preferences_;
    if (pod.pod->spec.affinity && pod.pod->spec.affinity->node_affinity) {
      PluginStatus status = add_preferences(pod.pod->spec.affinity->node_affinity->preferred_during_scheduling_ignored_during_execution, preferred);
      if (!status.ok()) return status;
    }
    if (preferred.empty()) return PluginStatus::skip();
    State* data = state.get<State>(index);
    if (data == nullptr) data = &state.put(index, std::make_unique<State>());
    data->preferred = std::move(preferred);
    return {};
  }

  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    const State& data = *state.get<State>(index);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (const Preference& preference : data.preferred)
        if (preference.term.matches(*nodes[i]->node)) scores[i] += preference.weight;
    normalize_scores(scores, false, node_score_max);
    return {};
  }

 private:
  std::optional<rules::NodeSelector> added_;
  std::vector<Preference> added_preferences_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_affinity(const PluginDeps&, const std::string& args) {
  auto plugin = std::make_unique<NodeAffinity>();
  TRY(plugin->configure(args));
  return plugin;
}

}  // namespace pintle::scheduler::plugins

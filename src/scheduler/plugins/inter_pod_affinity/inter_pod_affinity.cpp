#include "scheduler/plugins/inter_pod_affinity/inter_pod_affinity.h"

#include <algorithm>
#include <unordered_map>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/plugin_args.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::Namespace;
using Labels = FlatMap<std::string>;

// Amounts by topology domain: key and value of a node label.
class DomainCounts {
 public:
  // No effect on a node without the label.
  void add(const std::string& key, const Node& node, int64_t amount) {
    const std::string* value = node.metadata.labels.get(key);
    if (value == nullptr) return;
    auto& counts = by_key_[key];
    if ((counts[*value] += amount) == 0) counts.erase(*value);
    if (counts.empty()) by_key_.erase(key);
  }
  int64_t get(const std::string& key, const Node& node) const {
    auto counts = by_key_.find(key);
    const std::string* value = node.metadata.labels.get(key);
    if (counts == by_key_.end() || value == nullptr) return 0;
    auto it = counts->second.find(*value);
    return it == counts->second.end() ? 0 : it->second;
  }
  // Over every key that the node has a label of.
  int64_t sum(const Node& node) const {
    int64_t out = 0;
    for (const auto& [key, counts] : by_key_) out += get(key, node);
    return out;
  }
  bool any(const Node& node) const {
    return std::ranges::any_of(by_key_, [&](const auto& entry) { return get(entry.first, node) > 0; });
  }
  bool empty() const { return by_key_.empty(); }

 private:
  std::unordered_map<std::string, std::unordered_map<std::string, int64_t>> by_key_;
};

struct State : StateOf<State> {
  DomainCounts existing_anti;  // domains where pods are that refuse this one
  DomainCounts affinity;       // domains of pods that match all of this pod's required affinity terms
  DomainCounts anti;           // domains of pods that match one of its anti-affinity terms
  DomainCounts score;
};

class InterPodAffinity final : public Plugin, public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  InterPodAffinity(const PluginDeps& deps, int32_t hard_weight, bool ignore_preferred)
      : cache_(deps.cache), namespaces_(deps.informers.of<Namespace>()), hard_weight_(hard_weight), ignore_preferred_(ignore_preferred) {}

  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      return pod_event_helps(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Pod, action::add | action::remove | action::update_pod_label, on_pod},
            {EventResource::Node, action::add | action::update_node_label, nullptr}};
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    if (!pod.problem.empty()) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "parsing pod: " + pod.problem);
    const bool own_terms = !pod.required_affinity.empty() || !pod.required_anti_affinity.empty();
    if (!own_terms && cache_.nodes_with_required_anti_affinity() == 0) return PluginStatus::skip();
    auto data = std::make_unique<State>();
    for (const NodeInfo* node : cache_.nodes()) {
      if (node->pods_with_required_anti_affinity == 0 && !own_terms) continue;
      for (const PodInfoPtr& other : node->pods) count(*data, pod, *other, *node->node, 1);
    }
    if (!own_terms && data->existing_anti.empty()) return PluginStatus::skip();
    state.put(index, std::move(data));
    return {};
  }
  void pod_added(CycleState& state, const PodInfo& pod, const PodInfo& other, const NodeInfo& node) override {
    count(*state.get<State>(index), pod, other, *node.node, 1);
  }
  void pod_removed(CycleState& state, const PodInfo& pod, const PodInfo& other, const NodeInfo& node) override {
    count(*state.get<State>(index), pod, other, *node.node, -1);
  }

  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    const State& data = *state.get<State>(index);
    if (!affinity_holds(data, pod, *node.node)) {
      reasons.add("node(s) didn't match pod affinity rules");
      return Code::UnschedulableAndUnresolvable;
    }
    for (const AffinityTerm& term : pod.required_anti_affinity)
      if (data.anti.get(term.topology_key, *node.node) > 0) {
        reasons.add("node(s) didn't match pod anti-affinity rules");
        return Code::Unschedulable;
      }
    if (data.existing_anti.any(*node.node)) {
      reasons.add("node(s) didn't satisfy existing pods anti-affinity rules");
      return Code::Unschedulable;
    }
    return Code::Success;
  }

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    const bool own_terms = !pod.preferred_affinity.empty() || !pod.preferred_anti_affinity.empty();
    if (!own_terms && (ignore_preferred_ || cache_.nodes_with_affinity() == 0)) return PluginStatus::skip();
    DomainCounts score;
    for (const NodeInfo* node : cache_.nodes()) {
      if (!own_terms && node->pods_with_affinity == 0) continue;
      for (const PodInfoPtr& other : node->pods)
        if (own_terms || other->has_affinity()) weigh(score, pod, *other, *node->node);
    }
    if (score.empty()) return PluginStatus::skip();
    State* data = state.get<State>(index);
    if (data == nullptr) data = &state.put(index, std::make_unique<State>());
    data->score = std::move(score);
    return {};
  }
  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    const DomainCounts& counts = state.get<State>(index)->score;
    for (std::size_t i = 0; i < nodes.size(); ++i) scores[i] = counts.sum(*nodes[i]->node);
    const auto [least, most] = std::ranges::minmax(scores);
    const int64_t from = least, range = most - least;
    for (int64_t& score : scores)
      score = range == 0
                  ? 0
                  : static_cast<int64_t>(static_cast<double>(node_score_max) * (static_cast<double>(score - from) / static_cast<double>(range)));
    return {};
  }

 private:
  const Labels* labels_of(const std::string& namespace_name) const {
    const auto found = namespaces_.get(namespace_name);
    return found ? &found->metadata.labels : nullptr;  // alive in the informer's store
  }
  bool matches(const AffinityTerm& term, const Pod& pod) const { return term.matches(pod, labels_of(pod.metadata.namespace_)); }
  bool matches_all(const std::vector<AffinityTerm>& terms, const Pod& pod) const {
    return !terms.empty() && std::ranges::all_of(terms, [&](const AffinityTerm& term) { return matches(term, pod); });
  }

  void count(State& data, const PodInfo& pod, const PodInfo& other, const Node& node, int64_t sign) const {
    for (const AffinityTerm& term : other.required_anti_affinity)
      if (matches(term, *pod.pod)) data.existing_anti.add(term.topology_key, node, sign);
    if (matches_all(pod.required_affinity, *other.pod))
      for (const AffinityTerm& term : pod.required_affinity) data.affinity.add(term.topology_key, node, sign);
    for (const AffinityTerm& term : pod.required_anti_affinity)
      if (matches(term, *other.pod)) data.anti.add(term.topology_key, node, sign);
  }

  bool affinity_holds(const State& data, const PodInfo& pod, const Node& node) const {
    bool all = true;
    for (const AffinityTerm& term : pod.required_affinity) {
      if (!node.metadata.labels.contains(term.topology_key)) return false;
      all &= data.affinity.get(term.topology_key, node) > 0;
    }
    // The first pod of a group that wants to be together matches nobody but itself.
    return all || (data.affinity.empty() && matches_all(pod.required_affinity, *pod.pod));
  }

  // What `other`, on `node`, adds to the scores of its domains.
  void weigh(DomainCounts& score, const PodInfo& pod, const PodInfo& other, const Node& node) const {
    for (const AffinityTerm& term : pod.preferred_affinity)
      if (matches(term, *other.pod)) score.add(term.topology_key, node, term.weight);
    for (const AffinityTerm& term : pod.preferred_anti_affinity)
      if (matches(term, *other.pod)) score.add(term.topology_key, node, -term.weight);
    if (hard_weight_ > 0)
      for (const AffinityTerm& term : other.required_affinity)
        if (matches(term, *pod.pod)) score.add(term.topology_key, node, hard_weight_);
    if (ignore_preferred_ && pod.preferred_affinity.empty() && pod.preferred_anti_affinity.empty()) return;
    for (const AffinityTerm& term : other.preferred_affinity)
      if (matches(term, *pod.pod)) score.add(term.topology_key, node, term.weight);
    for (const AffinityTerm& term : other.preferred_anti_affinity)
      if (matches(term, *pod.pod)) score.add(term.topology_key, node, -term.weight);
  }

  bool pod_event_helps(const PodInfo& pod, const EventInstance& event) const {
    const Pod *before = event.before<Pod>(), *after = event.after<Pod>();
    const Pod& subject = after != nullptr ? *after : *before;
    if (subject.metadata.uid == pod.uid()) return true;
    const auto matches_anti = [&](const Pod& other) {
      return std::ranges::any_of(pod.required_anti_affinity, [&](const AffinityTerm& term) { return matches(term, other); });
    };
    if (after != nullptr) {
      if (matches_all(pod.required_affinity, *after) && (before == nullptr || !matches_all(pod.required_affinity, *before))) return true;
      return before != nullptr && matches_anti(*before) && !matches_anti(*after);
    }
    if (matches_anti(*before)) return true;
    if (!before->spec.affinity || !before->spec.affinity->pod_anti_affinity) return false;
    const PodInfoPtr gone = make_pod_info(std::shared_ptr<const Pod>(event.old_object, before));
    return std::ranges::any_of(gone->required_anti_affinity, [&](const AffinityTerm& term) { return matches(term, *pod.pod); });
  }

  const cache::Cache& cache_;
  client::Informer<Namespace> namespaces_;
  const int32_t hard_weight_;
  const bool ignore_preferred_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_inter_pod_affinity(const PluginDeps& deps, const std::string& args) {
  TRY_ASSIGN(const auto parsed, parse_args<api::kubeschedulerconfig_v1::InterPodAffinityArgs>(args));
  const int32_t weight = parsed.hard_pod_affinity_weight.value_or(1);
  if (weight < 0 || weight > 100)
    return bad_request("hardPodAffinityWeight: Invalid value: " + std::to_string(weight) + ": not in valid range [0-100]");
  return std::make_unique<InterPodAffinity>(deps, weight, parsed.ignore_preferred_terms_of_existing_pods);
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/inter_pod_affinity/inter_pod_affinity.h"

#include <algorithm>
#include <span>
#include <unordered_map>
#include <utility>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/plugin_args.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::Namespace;
using Labels = FlatMap<std::string>;

using Column = std::shared_ptr<const cache::DomainColumn>;
using Tally = std::shared_ptr<const cache::DomainTally>;

// Pods by topology domain: what the cache counts, and what is supposed besides: pods that come or go in a preemption that is tried, or that are
// nominated.
class Domains {
 public:
  void count(Tally pods) { of_key(pods->column()).counted.push_back(std::move(pods)); }
  // No effect on a node without the label.
  void suppose(const Column& column, const NodeInfo& node, int64_t pods) {
    Key& key = of_key(column);
    const uint32_t domain = column->at(node.slot);
    if (domain == cache::DomainColumn::none) return;
    key.supposed[domain] += pods;
    key.supposed_total += pods;
  }
  int64_t of(const std::string& key, const NodeInfo& node) const {
    const Key* known = find(key);
    return known == nullptr ? 0 : known->of(node.slot);
  }
  // Whether the node has a label of that key, which counts.
  bool is_in_one(const std::string& key, const NodeInfo& node) const {
    const Key* known = find(key);
    return known != nullptr && known->column->at(node.slot) != cache::DomainColumn::none;
  }
  bool any(const NodeInfo& node) const {
    return std::ranges::any_of(keys_, [&](const Key& key) { return key.of(node.slot) > 0; });
  }
  // In no domain of any key.
  bool none() const {
    return std::ranges::all_of(keys_, [](const Key& key) {
      int64_t pods = key.supposed_total;
      for (const Tally& counted : key.counted) pods += counted->total();
      return pods == 0;
    });
  }

 private:
  struct Key {
    Column column;
    std::vector<Tally> counted;
    std::unordered_map<uint32_t, int64_t> supposed;
    int64_t supposed_total = 0;

    int64_t of(uint32_t slot) const {
      const uint32_t domain = column->at(slot);
      if (domain == cache::DomainColumn::none) return 0;
      int64_t out = 0;
      if (const auto it = supposed.find(domain); it != supposed.end()) out += it->second;
      for (const Tally& pods : counted) out += pods->of(domain);
      return out;
    }
  };
  const Key* find(const std::string& key) const {
    for (const Key& known : keys_)
      if (known.column->key() == key) return &known;
    return nullptr;
  }
  Key& of_key(const Column& column) {
    if (const Key* known = find(column->key())) return const_cast<Key&>(*known);
    return keys_.emplace_back(Key{column, {}, {}, 0});
  }
  std::vector<Key> keys_;
};

// A wish about the domains where certain pods are.
struct Wish {
  Tally pods;
  int64_t weight;
};

struct State : StateOf<State> {
  Domains existing_anti;  // domains where pods are that refuse this one
  Domains affinity;       // domains of pods that match all of this pod's required affinity terms
  Domains anti;           // domains of pods that match one of its anti-affinity terms
  std::vector<Wish> wishes;
};

class InterPodAffinity final : public Plugin, public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  InterPodAffinity(const PluginDeps& deps, int32_t hard_weight, bool ignore_preferred)
      : cache_(deps.cache), namespaces_(deps.informers.of<Namespace>()), hard_weight_(hard_weight), ignore_preferred_(ignore_preferred) {
    cache_.affinity().set_namespaces([namespaces = namespaces_](const std::string& name) -> const Labels* {
      const auto found = namespaces.get(name);
      return found ? &found->metadata.labels : nullptr;  // alive in the informer's store
    });
    client::Informer<Namespace>::Handler handler;
    handler.on_add = [this](const auto&, bool) { cache_.affinity().forget_namespaces(); };
    handler.on_update = [this](const auto& before, const auto& after) {
      if (before->metadata.labels != after->metadata.labels) cache_.affinity().forget_namespaces();
    };
    handler.on_delete = [this](const auto&) { cache_.affinity().forget_namespaces(); };
    namespaces_.add_handler(std::move(handler));
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      return pod_event_helps(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Pod, action::add | action::remove | action::update_pod_label, on_pod, true},
            {EventResource::Node, action::add | action::update_node_label, nullptr}};
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    if (!pod.demands->problem.empty()) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "parsing pod: " + pod.demands->problem);
    const bool own_terms = !pod.demands->required_affinity.empty() || !pod.demands->required_anti_affinity.empty();
    if (!own_terms && cache_.nodes_with_required_anti_affinity() == 0) return PluginStatus::skip();
    auto data = std::make_unique<State>();
    bool refused = false;
    cache_.affinity().each_having(cache::TermKind::RequiredAnti, pod, [&](const AffinityTerm& term, cache::AffinityGroup& pods) {
      Tally domains = domains_of(pods, term);
      refused |= domains->total() > 0;
      data->existing_anti.count(std::move(domains));
    });
    if (!own_terms && !refused) return PluginStatus::skip();
    for (const AffinityTerm& term : pod.demands->required_affinity)
      data->affinity.count(domains_of(cache_.matching(pod.demands->required_affinity), term));
    for (const AffinityTerm& term : pod.demands->required_anti_affinity) data->anti.count(domains_of(cache_.matching(std::span(&term, 1)), term));
    state.put(index, std::move(data));
    return {};
  }
  void pod_added(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node) override {
    suppose(*state.get<State>(index), pod, other, node, 1);
  }
  void pod_removed(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node) override {
    suppose(*state.get<State>(index), pod, other, node, -1);
  }

  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    const State& data = *state.get<State>(index);
    if (!affinity_holds(data, pod, node)) {
      reasons.add("node(s) didn't match pod affinity rules");
      return Code::UnschedulableAndUnresolvable;
    }
    for (const AffinityTerm& term : pod.demands->required_anti_affinity)
      if (data.anti.of(term.topology_key, node) > 0) {
        reasons.add("node(s) didn't match pod anti-affinity rules");
        return Code::Unschedulable;
      }
    if (data.existing_anti.any(node)) {
      reasons.add("node(s) didn't satisfy existing pods anti-affinity rules");
      return Code::Unschedulable;
    }
    return Code::Success;
  }

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    const bool own_terms = !pod.demands->preferred_affinity.empty() || !pod.demands->preferred_anti_affinity.empty();
    if (!own_terms && (ignore_preferred_ || cache_.nodes_with_affinity() == 0)) return PluginStatus::skip();
    std::vector<Wish> wishes;
    const auto wish = [&](const AffinityTerm& term, cache::AffinityGroup& pods, int64_t weight) {
      Tally domains = domains_of(pods, term);
      if (domains->total() != 0 && weight != 0) wishes.push_back({std::move(domains), weight});
    };
    for (const AffinityTerm& term : pod.demands->preferred_affinity) wish(term, cache_.matching(std::span(&term, 1)), term.weight);
    for (const AffinityTerm& term : pod.demands->preferred_anti_affinity) wish(term, cache_.matching(std::span(&term, 1)), -term.weight);
    const auto of_others = [&](cache::TermKind kind, auto weight_of) {
      cache_.affinity().each_having(kind, pod, [&](const AffinityTerm& term, cache::AffinityGroup& pods) { wish(term, pods, weight_of(term)); });
    };
    of_others(cache::TermKind::RequiredAffinity, [this](const AffinityTerm&) { return hard_weight_; });
    if (own_terms || !ignore_preferred_) {
      of_others(cache::TermKind::PreferredAffinity, [](const AffinityTerm& term) { return term.weight; });
      of_others(cache::TermKind::PreferredAnti, [](const AffinityTerm& term) { return -term.weight; });
    }
    if (wishes.empty()) return PluginStatus::skip();
    State* data = state.get<State>(index);
    if (data == nullptr) data = &state.put(index, std::make_unique<State>());
    data->wishes = std::move(wishes);
    return {};
  }
  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    for (const Wish& wish : state.get<State>(index)->wishes) wish.pods->add_to(scores, nodes.slots(), wish.weight, by_domain_);
    const auto [least, most] = std::ranges::minmax(scores);
    const int64_t from = least, range = most - least;
    for (int64_t& score : scores)
      score = range == 0
                  ? 0
                  : static_cast<int64_t>(static_cast<double>(node_score_max) * (static_cast<double>(score - from) / static_cast<double>(range)));
    return {};
  }

 private:
  template <class PodKind>
  bool matches(const AffinityTerm& term, const PodKind& pod) const {
    return cache_.affinity().matches(term, pod);
  }
  template <class PodKind>
  bool matches_all(const std::vector<AffinityTerm>& terms, const PodKind& pod) const {
    return cache_.affinity().matches_all(terms, pod);
  }

  void suppose(State& data, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node, int64_t sign) const {
    for (const AffinityTerm& term : other.demands->required_anti_affinity)
      if (matches(term, pod)) data.existing_anti.suppose(cache_.domain_column(term.topology_key), node, sign);
    if (matches_all(pod.demands->required_affinity, other))
      for (const AffinityTerm& term : pod.demands->required_affinity) data.affinity.suppose(cache_.domain_column(term.topology_key), node, sign);
    for (const AffinityTerm& term : pod.demands->required_anti_affinity)
      if (matches(term, other)) data.anti.suppose(cache_.domain_column(term.topology_key), node, sign);
  }

  bool affinity_holds(const State& data, const PodInfo& pod, const NodeInfo& node) const {
    bool all = true;
    for (const AffinityTerm& term : pod.demands->required_affinity) {
      if (!data.affinity.is_in_one(term.topology_key, node)) return false;
      all &= data.affinity.of(term.topology_key, node) > 0;
    }
    // The first pod of a group that wants to be together matches nobody but itself.
    return all || (data.affinity.none() && matches_all(pod.demands->required_affinity, pod));
  }

  bool pod_event_helps(const PodInfo& pod, const EventInstance& event) const {
    const Pod *before = event.before<Pod>(), *after = event.after<Pod>();
    const Pod& subject = after != nullptr ? *after : *before;
    if (subject.metadata.uid == pod.uid()) return true;
    const auto matches_anti = [&](const Pod& other) {
      return std::ranges::any_of(pod.demands->required_anti_affinity, [&](const AffinityTerm& term) { return matches(term, other); });
    };
    if (after != nullptr) {
      if (matches_all(pod.demands->required_affinity, *after) && (before == nullptr || !matches_all(pod.demands->required_affinity, *before)))
        return true;
      return before != nullptr && matches_anti(*before) && !matches_anti(*after);
    }
    if (matches_anti(*before)) return true;
    if (!before->spec.affinity || !before->spec.affinity->pod_anti_affinity) return false;
    const PodInfoPtr gone = make_pod_info(std::shared_ptr<const Pod>(event.old_object, before));
    return std::ranges::any_of(gone->demands->required_anti_affinity, [&](const AffinityTerm& term) { return matches(term, pod); });
  }

  Tally domains_of(cache::AffinityGroup& pods, const AffinityTerm& term) const { return pods.domains(cache_.domain_column(term.topology_key)); }

  const cache::Cache& cache_;
  client::Informer<Namespace> namespaces_;
  const int32_t hard_weight_;
  const bool ignore_preferred_;
  mutable cache::DomainNumbers<int64_t> by_domain_;  // room for a score
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

#include "scheduler/plugins/pod_topology_spread/pod_topology_spread.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "rules/node_selector.h"
#include "rules/tolerations.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/pod_topology_spread/owner_selector.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::TopologySpreadConstraint;
using apimachinery::LabelSelector;
using cache::DomainCounts;
using rules::RequiredNodeAffinity;

constexpr std::string_view hostname_label = "kubernetes.io/hostname";
constexpr std::string_view required = "DoNotSchedule";
constexpr std::string_view preferred = "ScheduleAnyway";

struct Constraint {
  int32_t max_skew = 1;
  std::string topology_key;
  LabelSelector selector;
  int32_t min_domains = 1;
  bool honor_affinity = true;
  bool honor_taints = false;
  std::shared_ptr<const DomainCounts> shared;  // matching pods by domain, as the cache counts them
  DomainCounts own;                            // without: of this pod's nodes alone, or of a cluster that is only thought of
  double weight = 1;                           // of scores: larger for more domains

  std::shared_ptr<const cache::DomainColumn> column;  // the nodes' domains as numbers
  // Of filters: what was found of each domain so far.
  enum class Allowed : uint8_t { Unknown, Yes, No };
  mutable std::vector<Allowed> allowed;

  bool allows(uint32_t domain, const Pod& pod) const {
    if (domain >= allowed.size()) allowed.resize(column->size(), Allowed::Unknown);
    Allowed& known = allowed[domain];
    if (known == Allowed::Unknown) {
      const int64_t self = selector.matches(pod.metadata.labels) ? 1 : 0;
      known = counts().of(column->value(domain)) + self - least() <= max_skew ? Allowed::Yes : Allowed::No;
    }
    return known == Allowed::Yes;
  }
  const DomainCounts& counts() const { return shared ? *shared : own; }
  int64_t least() const { return static_cast<int64_t>(counts().size()) < min_domains ? 0 : counts().least(); }
  bool counts_no_pods() const { return selector.matches_everything() || selector.matches_nothing(); }
};

struct State : StateOf<State> {
  std::vector<Constraint> required;
  std::vector<Constraint> preferred;
  bool all_topologies = true;  // nodes without every key of the preferred ones score 0
};

int64_t count_matching(const NodeInfo& node, const LabelSelector& selector, const std::string& namespace_name) {
  int64_t out = 0;
  for (const PlacedPodPtr& pod : node.pods)
    if (!pod->going && pod->namespace_name() == namespace_name && selector.matches(pod->labels())) ++out;
  return out;
}

std::vector<std::string> keys_of(const std::vector<Constraint>& constraints) {
  std::vector<std::string> out;
  for (const Constraint& constraint : constraints) out.push_back(constraint.topology_key);
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  return out;
}

bool has_keys(const Node& node, const std::vector<Constraint>& constraints) {
  return std::ranges::all_of(constraints, [&](const Constraint& c) { return node.metadata.labels.contains(c.topology_key); });
}

class PodTopologySpread final : public Plugin, public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  PodTopologySpread(const PluginDeps& deps, std::vector<TopologySpreadConstraint> defaults, bool system)
      : cache_(deps.cache),
        owners_(deps.informers),
        defaults_(std::move(defaults)),
        system_defaults_(system),
        comparisons_(deps.gates.enabled("TaintTolerationComparisonOperators")) {}

  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      return pod_event_helps(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      auto constraints = constraints_of(*pod.pod, required);
      if (!constraints) return QueueingHint::Queue;
      const Node *before = event.before<Node>(), *after = event.after<Node>();
      return (before != nullptr && has_keys(*before, *constraints)) || (after != nullptr && has_keys(*after, *constraints)) ? QueueingHint::Queue
                                                                                                                            : QueueingHint::Skip;
    };
    return {{EventResource::Pod, action::add | action::remove | action::update_pod_label, on_pod, true},
            {EventResource::Node, action::add | action::remove | action::update_node_label | action::update_node_taint, on_node, true}};
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto constraints = constraints_of(*pod.pod, required);
    if (!constraints) return PluginStatus::failure(constraints.error());
    if (constraints->empty()) return PluginStatus::skip();
    auto data = std::make_unique<State>();
    data->required = std::move(*constraints);
    const RequiredNodeAffinity affinity(pod.pod->spec);
    const std::vector<std::string> keys = keys_of(data->required);
    for (Constraint& constraint : data->required) {
      count(constraint, *pod.pod, affinity, keys);
      constraint.column = cache_.domain_column(constraint.topology_key);
    }
    state.put(index, std::move(data));
    return {};
  }
  void pod_added(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node) override { change(state, pod, other, node, 1); }
  void pod_removed(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node) override {
    change(state, pod, other, node, -1);
  }

  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    const State& data = *state.get<State>(index);
    for (const Constraint& constraint : data.required) {
      const uint32_t domain = constraint.column->at(node.slot);
      if (domain == cache::DomainColumn::none) {
        reasons.add("node(s) didn't match pod topology spread constraints (missing required label)");
        return Code::UnschedulableAndUnresolvable;
      }
      if (!constraint.allows(domain, *pod.pod)) {
        reasons.add("node(s) didn't match pod topology spread constraints");
        return Code::Unschedulable;
      }
    }
    return Code::Success;
  }

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes nodes) override {
    auto constraints = constraints_of(*pod.pod, preferred);
    if (!constraints) return PluginStatus::failure(constraints.error());
    if (constraints->empty()) return PluginStatus::skip();
    State* data = state.get<State>(index);
    if (data == nullptr) data = &state.put(index, std::make_unique<State>());
    data->preferred = std::move(*constraints);
    data->all_topologies = !pod.pod->spec.topology_spread_constraints.empty() || !system_defaults_;
    prepare_scores(*data, *pod.pod, nodes);
    return {};
  }

  PluginStatus score(const CycleState& state, const PodInfo& pod, Nodes nodes, std::span<int64_t> scores) const override {
    const State& data = *state.get<State>(index);
    constexpr int64_t ignored = -1;
    sums_.assign(nodes.size(), 0);
    for (const Constraint& constraint : data.preferred) {
      if (constraint.topology_key == hostname_label)
        add_by_host(constraint, pod, nodes);
      else
        add_by_domain(constraint, nodes.slots());
    }
    int64_t least = INT64_MAX, most = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!scored(data, nodes.slots()[i])) {
        scores[i] = ignored;
        continue;
      }
      scores[i] = rounded(sums_[i]);
      least = std::min(least, scores[i]);
      most = std::max(most, scores[i]);
    }
    int64_t known = ignored, known_score = 0;  // neighbours are often alike
    for (int64_t& score : scores) {
      if (score != known) {
        known = score;
        known_score = most == 0 ? node_score_max : node_score_max * (most + least - score) / most;
      }
      score = score == ignored ? 0 : known_score;
    }
    return {};
  }

 private:
  Result<std::vector<Constraint>> compile(const std::vector<TopologySpreadConstraint>& specs, const Pod& pod, std::string_view when) const {
    std::vector<Constraint> out;
    for (const TopologySpreadConstraint& spec : specs) {
      if (spec.when_unsatisfiable != when) continue;
      Constraint constraint;
      constraint.max_skew = spec.max_skew;
      constraint.topology_key = spec.topology_key;
      constraint.min_domains = spec.min_domains.value_or(1);
      constraint.honor_affinity = spec.node_affinity_policy.value_or("Honor") == "Honor";
      constraint.honor_taints = spec.node_taints_policy.value_or("Ignore") == "Honor";
      TRY_ASSIGN(constraint.selector, apimachinery::to_label_selector(spec.label_selector.get()));
      if (!spec.match_label_keys.empty() && !constraint.selector.matches_nothing()) {
        std::vector<apimachinery::LabelRequirement> requirements(constraint.selector.requirements().begin(),
                                                                 constraint.selector.requirements().end());
        for (const std::string& key : spec.match_label_keys) {
          const std::string* value = pod.metadata.labels.get(key);
          if (value == nullptr) continue;
          TRY_ASSIGN(auto requirement, apimachinery::LabelRequirement::make(key, apimachinery::LabelOperator::In, {*value}));
          requirements.push_back(std::move(requirement));
        }
        constraint.selector = LabelSelector(std::move(requirements));
      }
      out.push_back(std::move(constraint));
    }
    return out;
  }

  Result<std::vector<Constraint>> constraints_of(const Pod& pod, std::string_view when) const {
    if (!pod.spec.topology_spread_constraints.empty()) return compile(pod.spec.topology_spread_constraints, pod, when);
    TRY_ASSIGN(auto out, compile(defaults_, pod, when));
    if (out.empty()) return out;
    const LabelSelector selector = owners_.of(pod);
    if (selector.matches_everything()) return std::vector<Constraint>();
    for (Constraint& constraint : out) constraint.selector = selector;
    return out;
  }

  bool counts_here(const Constraint& constraint, const Pod& pod, const Node& node, const RequiredNodeAffinity& affinity) const {
    if (constraint.honor_affinity && !affinity.matches(node)) return false;
    return !constraint.honor_taints ||
           rules::untolerated_taint(node.spec.taints, pod.spec.tolerations, rules::TaintEffects::KeepOff, comparisons_) == nullptr;
  }

  // Over the nodes that have all of `keys` and where the pod may be, as far as its constraint says that this matters.
  void count(Constraint& constraint, const Pod& pod, const RequiredNodeAffinity& affinity, const std::vector<std::string>& keys) const {
    const bool everywhere = (!constraint.honor_affinity || affinity.matches_everything()) && !constraint.honor_taints;
    if (everywhere && !constraint.counts_no_pods()) {
      constraint.shared = cache_.domains(cache_.group(pod.metadata.namespace_, constraint.selector), constraint.topology_key, keys);
      return;
    }
    for (const NodeInfo* node : cache_.nodes()) {
      const auto& labels = node->node->metadata.labels;
      if (!std::ranges::all_of(keys, [&](const std::string& key) { return labels.contains(key); })) continue;
      if (!counts_here(constraint, pod, *node->node, affinity)) continue;
      constraint.own.add(*labels.get(constraint.topology_key),
                         constraint.counts_no_pods() ? 0 : count_matching(*node, constraint.selector, pod.metadata.namespace_));
    }
  }

  void change(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo& node, int64_t sign) const {
    State& data = *state.get<State>(index);
    if (other.namespace_name() != pod.namespace_name() || !has_keys(*node.node, data.required)) return;
    const RequiredNodeAffinity affinity(pod.pod->spec);
    for (Constraint& constraint : data.required) {
      if (!constraint.selector.matches(other.labels()) || !counts_here(constraint, *pod.pod, *node.node, affinity)) continue;
      if (constraint.shared) constraint.own = *std::exchange(constraint.shared, nullptr);
      constraint.own.add(*node.node->metadata.labels.get(constraint.topology_key), sign);
      constraint.allowed.clear();
    }
  }

  bool scored(const State& data, uint32_t slot) const {
    return !data.all_topologies ||
           std::ranges::all_of(data.preferred, [slot](const Constraint& c) { return c.column->at(slot) != cache::DomainColumn::none; });
  }

  // How many domains the nodes that fit have decides the weight; the pods in each are counted on all nodes, on single nodes when they are scored.
  void prepare_scores(State& data, const Pod& pod, Nodes nodes) const {
    const RequiredNodeAffinity affinity(pod.spec);
    std::vector<std::string> keys;
    if (data.all_topologies) keys = keys_of(data.preferred);
    for (Constraint& constraint : data.preferred) constraint.column = cache_.domain_column(constraint.topology_key);
    for (Constraint& constraint : data.preferred) {
      const bool by_host = constraint.topology_key == hostname_label;
      constraint.weight = std::log(static_cast<double>((by_host ? hosts(data, nodes.slots()) : domains(data, constraint, nodes.slots())) + 2));
      if (!by_host) count(constraint, pod, affinity, keys.empty() ? std::vector<std::string>{constraint.topology_key} : keys);
    }
  }
  std::size_t hosts(const State& data, std::span<const uint32_t> slots) const {
    return static_cast<std::size_t>(std::ranges::count_if(slots, [&](uint32_t slot) { return scored(data, slot); }));
  }
  // A node without the label is in the same domain as one where it is empty.
  std::size_t domains(const State& data, const Constraint& constraint, std::span<const uint32_t> slots) const {
    const cache::DomainColumn& column = *constraint.column;
    const uint32_t unnamed = column.find(std::string());
    std::size_t out = 0;
    bool nameless = false;
    parts_.clear(column.size());
    for (const uint32_t slot : slots) {
      if (!scored(data, slot)) continue;
      const uint32_t domain = column.at(slot);
      if (domain == unnamed || domain == cache::DomainColumn::none) {
        nameless = true;
      } else if (parts_.find(domain) == nullptr) {
        parts_.set(domain, 0);
        ++out;
      }
    }
    return out + (nameless ? 1 : 0);
  }

  // What a constraint adds to a node of its key.
  static double part(const Constraint& constraint, int64_t pods) {
    return static_cast<double>(pods) * constraint.weight + static_cast<double>(constraint.max_skew - 1);
  }
  void add_by_domain(const Constraint& constraint, std::span<const uint32_t> slots) const {
    const cache::DomainColumn& column = *constraint.column;
    parts_.clear(column.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const uint32_t domain = column.at(slots[i]);
      if (domain == cache::DomainColumn::none) continue;
      const double* known = parts_.find(domain);
      if (known == nullptr) parts_.set(domain, part(constraint, constraint.counts().of(column.value(domain))));
      sums_[i] += known != nullptr ? *known : *parts_.find(domain);
    }
  }
  void add_by_host(const Constraint& constraint, const PodInfo& pod, Nodes nodes) const {
    const cache::DomainColumn& column = *constraint.column;
    const cache::PodGroup* group = constraint.counts_no_pods() ? nullptr : &cache_.group(pod.namespace_name(), constraint.selector);
    const bool many = group != nullptr && group->nodes() > nodes.size();
    hosts_.clear(cache_.slot_count());
    if (group != nullptr && !many) group->each([&](const NodeInfo& node, int64_t pods) { hosts_.set(node.slot, part(constraint, pods)); });
    const double without = part(constraint, 0);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const uint32_t slot = nodes.slots()[i];
      if (column.at(slot) == cache::DomainColumn::none) continue;
      const double* with = hosts_.find(slot);
      sums_[i] += with != nullptr ? *with : many ? part(constraint, group->on(*nodes[i])) : without;
    }
  }
  // To the next whole number, and away from 0 in the middle, of what is not negative.
  static int64_t rounded(double sum) {
    const auto whole = static_cast<int64_t>(sum);
    return whole + (sum - static_cast<double>(whole) >= 0.5 ? 1 : 0);
  }

  bool pod_event_helps(const PodInfo& pod, const EventInstance& event) const {
    const Pod *before = event.before<Pod>(), *after = event.after<Pod>();
    const Pod& subject = after != nullptr ? *after : *before;
    if (subject.metadata.uid == pod.uid()) return true;
    if (subject.metadata.namespace_ != pod.pod->metadata.namespace_) return false;
    auto constraints = constraints_of(*pod.pod, required);
    if (!constraints) return true;
    return std::ranges::any_of(*constraints, [&](const Constraint& c) {
      const bool was = before != nullptr && c.selector.matches(before->metadata.labels);
      const bool is = after != nullptr && c.selector.matches(after->metadata.labels);
      return was != is;
    });
  }

  const cache::Cache& cache_;
  OwnerSelector owners_;
  const std::vector<TopologySpreadConstraint> defaults_;
  const bool system_defaults_;
  const bool comparisons_;
  // Room for scores.
  mutable std::vector<double> sums_;
  mutable cache::DomainNumbers<double> parts_;  // by domain
  mutable cache::DomainNumbers<double> hosts_;  // by slot
};

TopologySpreadConstraint default_constraint(std::string_view key, int32_t max_skew) {
  TopologySpreadConstraint out;
  out.topology_key = key;
  out.max_skew = max_skew;
  out.when_unsatisfiable = preferred;
  return out;
}

}  // namespace

Result<std::unique_ptr<Plugin>> make_pod_topology_spread(const PluginDeps& deps, const std::string& args) {
  TRY_ASSIGN(auto parsed, parse_args<api::kubeschedulerconfig_v1::PodTopologySpreadArgs>(args));
  const bool system = parsed.defaulting_type.empty() || parsed.defaulting_type == "System";
  if (!system && parsed.defaulting_type != "List")
    return bad_request("defaultingType: Unsupported value: \"" + parsed.defaulting_type + "\": supported values: \"System\", \"List\"");
  if (system && !parsed.default_constraints.empty())
    return bad_request("defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty");
  for (const TopologySpreadConstraint& constraint : parsed.default_constraints)
    if (constraint.label_selector) return bad_request("defaultConstraints.labelSelector: Forbidden: each pod's own is used");
  std::vector<TopologySpreadConstraint> defaults = std::move(parsed.default_constraints);
  if (system) defaults = {default_constraint(hostname_label, 3), default_constraint("topology.kubernetes.io/zone", 5)};
  return std::make_unique<PodTopologySpread>(deps, std::move(defaults), system);
}

}  // namespace pintle::scheduler::plugins

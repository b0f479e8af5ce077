#include "scheduler/plugins/node_resources_fit/node_resources_fit.h"

#include <algorithm>

#include "rules/resource_claims.h"
#include "scheduler/cache/cache.h"
#include "scheduler/devices/ledger.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/node_resources_fit/allocation_score.h"
#include "scheduler/queue/nominator.h"

namespace pintle::scheduler::plugins {

namespace {

using api::kubeschedulerconfig_v1::NodeResourcesFitArgs;

// A scalar resource that the pod asks for, with the text for nodes that lack it.
struct Scalar {
  std::string name;
  int64_t amount;
  std::shared_ptr<const std::string> insufficient;  // outlives the state of a cluster that is only thought of: reasons refer to it
  bool from_devices;                                // where a node has none of its own
};
struct State : StateOf<State> {
  std::vector<Scalar> scalars;
  std::vector<int64_t> score_requests;
};

enum class Strategy : uint8_t { LeastAllocated, MostAllocated, RequestedToCapacityRatio };

class NodeResourcesFit final : public Plugin, public PreFilterPlugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  // `devices`: knows the classes that extended resources come from; nullptr: none do.
  NodeResourcesFit(const cache::Cache& cache, const queue::Nominator& nominator, const devices::DeviceLedger* devices)
      : cache_(cache), nominator_(nominator), devices_(devices) {}

  Result<Unit> configure(const std::string& args) {
    TRY_ASSIGN(auto parsed, parse_args<NodeResourcesFitArgs>(args));
    ignored_ = parsed.ignored_resources;
    ignored_groups_ = parsed.ignored_resource_groups;
    resources_ = weighted_resources({});
    if (!parsed.scoring_strategy) return Unit{};
    const auto& strategy = *parsed.scoring_strategy;
    resources_ = weighted_resources(strategy.resources);
    if (strategy.type == "MostAllocated")
      strategy_ = Strategy::MostAllocated;
    else if (strategy.type == "RequestedToCapacityRatio")
      strategy_ = Strategy::RequestedToCapacityRatio;
    else if (!strategy.type.empty() && strategy.type != "LeastAllocated")
      return bad_request("scoringStrategy.type: Unsupported value: \"" + strategy.type +
                         "\": supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\"");
    for (const WeightedResource& resource : resources_)
      if (resource.weight < 1 || resource.weight > 100)
        return bad_request("scoringStrategy.resources: Invalid value: resource weight of " + resource.name + " should be in [1, 100]");
    if (strategy_ == Strategy::RequestedToCapacityRatio) {
      if (!strategy.requested_to_capacity_ratio) return bad_request("scoringStrategy.requestedToCapacityRatio: Required value");
      TRY_ASSIGN(shape_, make_shape(strategy.requested_to_capacity_ratio->shape));
    }
    return Unit{};
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      return after_pod(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      return after_node(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    std::vector<EventInterest> out{{EventResource::Pod, action::remove | action::update_pod_scale_down, on_pod, true},
                                   {EventResource::Node, action::add | action::update_node_allocatable, on_node, true}};
    if (devices_ == nullptr) return out;
    HintFunction on_class = [](const PodInfo& pod, const EventInstance& event) {
      return after_class(pod, event) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    out.push_back({EventResource::DeviceClass, action::add | action::update, on_class, true});
    return out;
  }

  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto data = std::make_unique<State>();
    for (const auto& [name, amount] : pod.requests().scalars)
      if (amount != 0 && !ignores(name))
        data->scalars.push_back({name, amount, std::make_shared<const std::string>("Insufficient " + name), comes_from_devices(name)});
    state.put(index, std::move(data));
    return {};
  }

  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    bool resolvable = true;
    if (static_cast<int64_t>(node.pods.size()) + 1 > node.allocatable.allowed_pods) reasons.add("Too many pods");
    const Resource& want = pod.requests();
    const auto check = [&](int64_t amount, int64_t has, int64_t used, std::string_view text) {
      if (amount <= 0 || amount <= has - used) return;
      reasons.add(text);
      resolvable &= amount <= has;
    };
    check(want.milli_cpu, node.allocatable.milli_cpu, node.requested.milli_cpu, "Insufficient cpu");
    check(want.memory, node.allocatable.memory, node.requested.memory, "Insufficient memory");
    check(want.ephemeral_storage, node.allocatable.ephemeral_storage, node.requested.ephemeral_storage, "Insufficient ephemeral-storage");
    for (const Scalar& scalar : state.get<State>(index)->scalars)
      if (!scalar.from_devices || node.allocatable.get(scalar.name) > 0)
        check(scalar.amount, node.allocatable.get(scalar.name), node.requested.get(scalar.name), *scalar.insufficient);
    if (reasons.size() == 0) return Code::Success;
    return resolvable ? Code::Unschedulable : Code::UnschedulableAndUnresolvable;
  }

  PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes) override {
    State* data = state.get<State>(index);
    if (data == nullptr) data = &state.put(index, std::make_unique<State>());
    for (const WeightedResource& resource : resources_) {
      if (resource.name == "cpu")
        data->score_requests.push_back(pod.demands->non_zero_milli_cpu);
      else if (resource.name == "memory")
        data->score_requests.push_back(pod.demands->non_zero_memory);
      else
        data->score_requests.push_back(pod.requests().get(resource.name));
    }
    return {};
  }

  bool scores_node_alone() const override { return true; }
  PluginStatus score(const CycleState& state, const PodInfo&, Nodes nodes, std::span<int64_t> scores) const override {
    const std::vector<int64_t>& requests = state.get<State>(index)->score_requests;
    std::vector<Usage> usages(resources_.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      usages_of(*nodes[i], resources_, requests, true, usages);
      switch (strategy_) {
        case Strategy::LeastAllocated: scores[i] = least_allocated_score(usages, resources_); break;
        case Strategy::MostAllocated: scores[i] = most_allocated_score(usages, resources_); break;
        case Strategy::RequestedToCapacityRatio: scores[i] = requested_to_capacity_ratio_score(usages, resources_, shape_); break;
      }
    }
    return {};
  }

 private:
  // A device class stands for it: DynamicResources sees to that.
  bool comes_from_devices(const std::string& name) const {
    return devices_ != nullptr && rules::is_device_resource(name) && devices_->class_of_resource(name) != nullptr;
  }
  // The class has come to stand for something that the pod asks for.
  static bool after_class(const PodInfo& pod, const EventInstance& event) {
    const auto* before = event.before<devices::v1::DeviceClass>();
    const auto& after = *event.after<devices::v1::DeviceClass>();
    const auto asks = [&](std::string_view name) { return pod.requests().get(name) != 0; };
    if (before != nullptr && before->spec.extended_resource_name == after.spec.extended_resource_name) return false;
    if (before == nullptr && asks(std::string(rules::device_class_resource_prefix) + after.metadata.name)) return true;
    return after.spec.extended_resource_name && asks(*after.spec.extended_resource_name);
  }
  bool ignores(const std::string& name) const {
    if (std::ranges::find(ignored_, name) != ignored_.end()) return true;
    return std::ranges::find(ignored_groups_, name.substr(0, name.find('/'))) != ignored_groups_.end();
  }
  // A pod that went (or became smaller) frees something that this one asks for.
  bool after_pod(const PodInfo& pod, const EventInstance& event) const {
    const Pod& before = *event.before<Pod>();
    const Pod* after = event.after<Pod>();
    if (after == nullptr) {
      const NodeInfo* node = cache_.find(node_of_event(event));
      return node != nullptr && after_leaving(pod, before, *node);
    }
    if (after->metadata.uid == pod.uid()) return true;  // it asks for less itself
    if (after->spec.node_name.empty()) return false;
    const Resource had = requested_by(before).requests, has = requested_by(*after).requests;
    const auto freed = [&](std::string_view name) { return pod.requests().get(name) > 0 && has.get(name) < had.get(name); };
    if (freed("cpu") || freed("memory") || freed("ephemeral-storage")) return true;
    return std::ranges::any_of(pod.requests().scalars, [&](const auto& scalar) { return freed(scalar.first); });
  }
  // `gone` has left the node (or hopes for it no longer). What it held is of use to the pod if there is now room for it, or would be without pods
  // that it may preempt and that had not been in the way alone; and to a pod that was to get the node and waits for nobody there any more.
  bool after_leaving(const PodInfo& pod, const Pod& gone, const NodeInfo& node) const {
    if (has_room(pod, node, INT32_MIN)) return true;
    if (gone.spec.priority.value_or(0) >= pod.priority && has_room(pod, node, pod.priority)) return true;
    const bool leaving = std::ranges::any_of(node.pods, [&](const PlacedPodPtr& other) { return other->priority < pod.priority && other->going; });
    return !leaving && nominator_.node_of(pod.uid()) == node.name();
  }
  // Beside the node's pods of at least that priority, and those of at least the pod's own that are nominated to it.
  bool has_room(const PodInfo& pod, const NodeInfo& node, int32_t least_priority) const {
    Resource used;
    auto pods = static_cast<int64_t>(node.pods.size());
    if (least_priority == INT32_MIN) {
      used = node.requested;
    } else {
      pods = 0;
      for (const PlacedPodPtr& other : node.pods)
        if (other->priority >= least_priority) ++pods, used.add(other->requests());
    }
    for (const PodInfoPtr& other : nominator_.on(node.name()))
      if (other->priority >= pod.priority && other->uid() != pod.uid()) ++pods, used.add(other->requests());
    const Resource& want = pod.requests();
    const Resource& has = node.allocatable;
    const auto fits = [](int64_t amount, int64_t all, int64_t taken) { return amount <= 0 || amount <= all - taken; };
    return pods < has.allowed_pods && fits(want.milli_cpu, has.milli_cpu, used.milli_cpu) && fits(want.memory, has.memory, used.memory) &&
           fits(want.ephemeral_storage, has.ephemeral_storage, used.ephemeral_storage) && std::ranges::all_of(want.scalars, [&](const auto& scalar) {
             const bool of_devices = has.get(scalar.first) == 0 && comes_from_devices(scalar.first);
             return of_devices || ignores(scalar.first) || fits(scalar.second, has.get(scalar.first), used.get(scalar.first));
           });
  }
  // The node as a whole could hold the pod, and has got more of something.
  bool after_node(const PodInfo& pod, const EventInstance& event) const {
    const Resource has = to_resource(event.after<Node>()->status.allocatable);
    const auto holds = [&](std::string_view name) { return pod.requests().get(name) <= has.get(name); };
    bool fits = has.allowed_pods > 0 && holds("cpu") && holds("memory") && holds("ephemeral-storage");
    for (const auto& [name, amount] : pod.requests().scalars)
      fits = fits && (amount == 0 || ignores(name) || holds(name) || (comes_from_devices(name) && has.get(name) == 0));
    if (!fits || event.before<Node>() == nullptr) return fits;
    const Resource had = to_resource(event.before<Node>()->status.allocatable);
    const auto grew = [&](std::string_view name) { return pod.requests().get(name) > 0 && has.get(name) > had.get(name); };
    if (has.allowed_pods > had.allowed_pods || grew("cpu") || grew("memory") || grew("ephemeral-storage")) return true;
    const auto from_devices_now = [&](const std::string& name) { return has.get(name) == 0 && comes_from_devices(name); };
    return std::ranges::any_of(pod.requests().scalars, [&](const auto& scalar) { return grew(scalar.first) || from_devices_now(scalar.first); });
  }

  const cache::Cache& cache_;
  const queue::Nominator& nominator_;
  const devices::DeviceLedger* devices_;
  std::vector<std::string> ignored_, ignored_groups_;
  std::vector<WeightedResource> resources_;
  Strategy strategy_ = Strategy::LeastAllocated;
  std::vector<ShapePoint> shape_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_resources_fit(const PluginDeps& deps, const std::string& args) {
  const bool from_devices = deps.gates.enabled("DRAExtendedResource");
  if (from_devices) deps.devices.follow(deps.informers, deps.gates);
  auto plugin = std::make_unique<NodeResourcesFit>(deps.cache, deps.nominator, from_devices ? &deps.devices : nullptr);
  TRY(plugin->configure(args));
  return plugin;
}

}  // namespace pintle::scheduler::plugins

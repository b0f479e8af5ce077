#include "controller/node_lifecycle/controller.h"

#include <algorithm>

#include "api/codec.h"
#include "api/gen/coordination_v1.h"
#include "client/work_queue.h"
#include "controller/node_lifecycle/plan.h"
#include "controller/objects/json_text.h"
#include "controller/objects/time.h"
#include "controller/pods/pod_store.h"
#include "rt/seconds.h"
#include "rules/conditions.h"

namespace pintle::controller::node_lifecycle {

using api::coordination_v1::Lease;
using api::core_v1::Node;
using api::core_v1::Pod;
using NodePtr = std::shared_ptr<const Node>;

namespace {

constexpr auto one_bounds = growing_bounds<8>(0.001, 4), all_bounds = growing_bounds<8>(0.01, 4);  // seconds

client::InformerOptions node_leases() {
  client::InformerOptions options;
  options.namespace_name = "kube-node-lease";
  return options;
}

class NodeLifecycleController final : public Controller {
 public:
  explicit NodeLifecycleController(ControllerDeps deps)
      : deps_(deps),
        nodes_(deps.informers.of<Node>()),
        leases_(deps.informers.of<Lease>("kube-node-lease", node_leases())),
        loop_(deps.loop("node_lifecycle_controller"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::Informer<Node>::Handler nodes;
    nodes.on_add = [this](const NodePtr& node, bool initial) { appeared(*node, initial); };
    nodes.on_update = [this](const NodePtr& before, const NodePtr& after) { node_changed(*before, *after); };
    nodes.on_delete = [this](const NodePtr& node) { gone(*node); };
    nodes_.add_handler(std::move(nodes));
    client::Informer<Lease>::Handler leases;
    const auto renewed = [this](const std::shared_ptr<const Lease>& lease) { heard(lease->metadata.name); };
    leases.on_add = [renewed](const std::shared_ptr<const Lease>& lease, bool) { renewed(lease); };
    leases.on_update = [renewed](const std::shared_ptr<const Lease>& before, const std::shared_ptr<const Lease>& after) {
      if (before->spec.renew_time != after->spec.renew_time) renewed(after);
    };
    leases_.add_handler(std::move(leases));
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) { pod_placed(*pod); };
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
      if (before->spec.node_name != after->spec.node_name) pod_placed(*after);
    };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override { loop_.start(deps_.workers(8)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  struct Known {
    rt::TimePoint heard;  // when its status or lease last changed
    std::string zone;
    bool counts = false;        // in the count of its zone ...
    bool counts_ready = false;  // ... and as which
    std::string ready;          // as last seen: "True", "False", "Unknown", ""
    bool silent = false;        // found silent, and not heard since
    bool pods_marked = false;   // it is not ready, and its pods were made so
  };
  struct Zone {
    double rate;           // nodes a second
    rt::TimePoint next{};  // when the next one may be tainted NoExecute
  };

  void appeared(const Node& node, bool initial);
  void node_changed(const Node& before, const Node& after);
  void gone(const Node& node);
  void heard(const std::string& name);
  void pod_placed(const Pod& pod);
  Zone& zone_named(const std::string& name) { return zones_.try_emplace(name, Zone{deps_.options.node_eviction_rate}).first->second; }
  // Where the node stands now in the counts of the zones; nullptr: it is gone. Then what follows from them.
  void count(Known& known, const Node* node);
  void weigh_zones();
  void tell_zone(const std::string& name);
  // Whether the node may be tainted NoExecute now; else when to ask again (nullopt: when the zone's state changes).
  bool may_evict(const Known& known, std::optional<rt::Duration>& wait);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> look(rt::Context ctx, std::string key);
  rt::Task<Result<NodePtr>> mark_silent(rt::Context ctx, NodePtr node);
  rt::Task<Result<Unit>> mark_pods_not_ready(rt::Context ctx, std::string node);
  rt::Task<Result<Unit>> write_taints(rt::Context ctx, NodePtr node, std::vector<api::core_v1::Taint> taints);
  rt::Task<Result<Unit>> write_labels(rt::Context ctx, NodePtr node);

  ControllerDeps deps_;
  client::Informer<Node> nodes_;
  client::Informer<Lease> leases_;
  std::map<std::string, Known> known_;
  std::map<std::string, ZoneCount> counts_;
  std::map<std::string, Zone> zones_;
  bool all_disrupted_ = false;  // every zone is: no node is tainted NoExecute
  component::metrics::GaugeVec& zone_health_ =
      deps_.families.gauges("node_collector_zone_health", "Percentage of the zone's nodes that are ready.", {"zone"});
  component::metrics::GaugeVec& zone_size_ = deps_.families.gauges("node_collector_zone_size", "Nodes of the zone.", {"zone"});
  component::metrics::GaugeVec& zone_unhealthy_ =
      deps_.families.gauges("node_collector_unhealthy_nodes_in_zone", "Nodes of the zone that are not ready.", {"zone"});
  component::metrics::CounterVec& evictions_ =
      deps_.families.counters("node_collector_evictions_total", "Nodes whose pods were told to go, as they are not ready.", {"zone"});
  component::metrics::Histogram& look_duration_ =
      deps_.families.histogram("node_collector_update_node_health_duration_seconds", "Time that a look at a node took.", one_bounds);
  component::metrics::Histogram& weigh_duration_ =
      deps_.families.histogram("node_collector_update_all_nodes_health_duration_seconds", "Time that weighing the zones took.", all_bounds);
  client::ControlLoop loop_;
};

void NodeLifecycleController::appeared(const Node& node, bool initial) {
  Known& known = known_[node.metadata.name];
  known.heard = deps_.runtime.clock().now();
  known.ready = ready_status(node);
  count(known, &node);
  if (!initial)
    deps_.events.normal(node, "RegisteredNode", "Node " + node.metadata.name + " event: Registered Node " + node.metadata.name + " in Controller");
  loop_.queue().add(node.metadata.name);
}

void NodeLifecycleController::node_changed(const Node& before, const Node& after) {
  auto it = known_.find(after.metadata.name);
  if (it == known_.end()) return;
  const auto* old_ready = rules::find_condition(before.status.conditions, "Ready");
  const auto* new_ready = rules::find_condition(after.status.conditions, "Ready");
  if (new_ready != nullptr && (old_ready == nullptr || !(old_ready->last_heartbeat_time == new_ready->last_heartbeat_time)))
    heard(after.metadata.name);
  count(it->second, &after);
  loop_.queue().add(after.metadata.name);
}

void NodeLifecycleController::gone(const Node& node) {
  if (auto it = known_.find(node.metadata.name); it != known_.end()) {
    Known known = std::move(it->second);
    known_.erase(it);
    count(known, nullptr);
  }
  deps_.events.normal(node, "RemovingNode", "Node " + node.metadata.name + " event: Removing Node " + node.metadata.name + " from Controller");
}

void NodeLifecycleController::heard(const std::string& name) {
  auto it = known_.find(name);
  if (it == known_.end()) return;
  it->second.heard = deps_.runtime.clock().now();
  if (std::exchange(it->second.silent, false)) loop_.queue().add(name);
}

// A pod on a node that is not ready already, also one that an earlier manager had no time for.
void NodeLifecycleController::pod_placed(const Pod& pod) {
  auto it = known_.find(pod.spec.node_name);
  if (it == known_.end() || !std::exchange(it->second.pods_marked, false)) return;
  loop_.queue().add(pod.spec.node_name);
}

void NodeLifecycleController::count(Known& known, const Node* node) {
  const std::string zone = node != nullptr ? zone_of(*node) : std::string();
  const bool counts = node != nullptr && !is_excluded_from_disruption(*node), ready = node != nullptr && ready_status(*node) == "True";
  if (zone == known.zone && counts == known.counts && ready == known.counts_ready) return;
  if (known.counts) {
    ZoneCount& was = counts_[known.zone];
    --(known.counts_ready ? was.ready : was.not_ready);
    if (was.ready + was.not_ready == 0) counts_.erase(known.zone);
    tell_zone(known.zone);
  }
  known.zone = zone;
  known.counts = counts;
  known.counts_ready = ready;
  if (counts) {
    ++(ready ? counts_[zone].ready : counts_[zone].not_ready);
    tell_zone(zone);
  }
  const rt::TimePoint began = deps_.runtime.clock().now();
  weigh_zones();
  weigh_duration_.observe(rt::seconds(deps_.runtime.clock().now() - began));
}

// A zone that has no nodes any more is whole, as upstream tells it.
void NodeLifecycleController::tell_zone(const std::string& name) {
  const auto it = counts_.find(name);
  const ZoneCount count = it != counts_.end() ? it->second : ZoneCount{};
  const int size = count.ready + count.not_ready;
  zone_size_.with({name}).set(size);
  zone_unhealthy_.with({name}).set(count.not_ready);
  zone_health_.with({name}).set(size > 0 ? 100.0 * count.ready / size : 100);
  evictions_.with({name}).add(0);
}

void NodeLifecycleController::weigh_zones() {
  const double threshold = deps_.options.unhealthy_zone_threshold;
  const bool disrupted = all_disrupted(counts_, threshold);
  bool changed = disrupted != all_disrupted_;
  all_disrupted_ = disrupted;
  if (changed && !disrupted) {  // what could not be heard was our own fault: each node has its whole grace period again
    for (auto& [name, known] : known_) {
      known.heard = deps_.runtime.clock().now();
      known.silent = false;
    }
  }
  const EvictionRates rates{deps_.options.node_eviction_rate, deps_.options.secondary_node_eviction_rate, deps_.options.large_cluster_size_threshold};
  for (const auto& [name, rate] : eviction_rates(counts_, threshold, rates)) changed |= std::exchange(zone_named(name).rate, rate) != rate;
  if (changed)
    for (const auto& [name, known] : known_)
      if (known.ready != "True") loop_.queue().add(name);
}

bool NodeLifecycleController::may_evict(const Known& known, std::optional<rt::Duration>& wait) {
  Zone& zone = zone_named(known.zone);
  if (zone.rate <= 0) return false;
  const rt::TimePoint now = deps_.runtime.clock().now();
  if (now < zone.next) {
    wait = zone.next - now;
    return false;
  }
  zone.next = now + std::chrono::nanoseconds(static_cast<int64_t>(1e9 / zone.rate));
  return true;
}

rt::Task<Result<NodePtr>> NodeLifecycleController::mark_silent(rt::Context ctx, NodePtr node) {
  Node copy = *node;
  copy.status = silent_status(*node, deps_.runtime.clock().wall_now());
  if (api::equal(api::type_of<api::core_v1::NodeStatus>(), &copy.status, &node->status)) co_return node;
  auto written = co_await deps_.client.update_status<Node>(std::move(ctx), std::move(copy));
  if (!written) co_return Unexpected(std::move(written).error());
  co_return std::make_shared<const Node>(std::move(*written));
}

// Endpoints leave out what cannot be asked any more.
rt::Task<Result<Unit>> NodeLifecycleController::mark_pods_not_ready(rt::Context ctx, std::string node) {
  std::optional<Status> failure;
  for (const pods::PodPtr& pod : deps_.pods.on_node(node)) {
    if (!rules::is_ready(*pod)) continue;
    std::string body = R"({"metadata":{"uid":)" + objects::json_string(pod->metadata.uid) +
                       R"(},"status":{"conditions":[{"type":"Ready","status":"False","lastTransitionTime":")" +
                       api::format_time(apimachinery::to_api_time(deps_.runtime.clock().wall_now())) + R"("}]}})";
    client::PatchOptions options;
    options.subresource = "status";
    auto done = co_await deps_.client.patch<Pod>(ctx, pod->metadata.namespace_, pod->metadata.name, client::PatchType::Strategic, std::move(body),
                                                 std::move(options));
    if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) failure = done.error();
    if (done) deps_.events.warning(*pod, "NodeNotReady", "Node is not ready");
  }
  if (failure) co_return Unexpected(std::move(*failure));
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeLifecycleController::write_taints(rt::Context ctx, NodePtr node, std::vector<api::core_v1::Taint> taints) {
  std::string body = R"({"metadata":{"resourceVersion":)" + objects::json_string(node->metadata.resource_version) + R"(},"spec":{"taints":[)";
  for (const auto& taint : taints) {
    if (body.back() != '[') body += ',';
    api::encode_json(api::type_of<api::core_v1::Taint>(), &taint, body);
  }
  auto done = co_await deps_.client.patch<Node>(std::move(ctx), "", node->metadata.name, client::PatchType::Merge, body + "]}}");
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeLifecycleController::write_labels(rt::Context ctx, NodePtr node) {
  std::string body;
  for (const auto& [key, value] : older_labels(*node))
    body += (body.empty() ? "" : ",") + objects::json_string(key) + ":" + objects::json_string(value);
  if (body.empty()) co_return Unit{};
  auto done = co_await deps_.client.patch<Node>(std::move(ctx), "", node->metadata.name, client::PatchType::Strategic,
                                                R"({"metadata":{"labels":{)" + body + "}}}");
  if (!done && done.error().reason != Reason::NotFound) co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> NodeLifecycleController::sync(rt::Context ctx, std::string key) {
  const rt::TimePoint began = deps_.runtime.clock().now();
  auto done = co_await look(std::move(ctx), std::move(key));
  look_duration_.observe(rt::seconds(deps_.runtime.clock().now() - began));
  co_return std::move(done);
}

rt::Task<Result<Unit>> NodeLifecycleController::look(rt::Context ctx, std::string key) {
  NodePtr node = nodes_.get(key);
  auto it = known_.find(key);
  if (node == nullptr || it == known_.end() || node->metadata.deletion_timestamp) co_return Unit{};
  const bool never_heard = rules::find_condition(node->status.conditions, "Ready") == nullptr;
  const rt::Duration grace = never_heard ? deps_.options.node_startup_grace_period : deps_.options.node_monitor_grace_period;
  const rt::Duration quiet = deps_.runtime.clock().now() - it->second.heard;
  if (quiet >= grace) {
    it->second.silent = true;  // heard() ends it
    CO_TRY_ASSIGN(node, co_await mark_silent(ctx, node));
  } else {
    loop_.queue().add_after(key, grace - quiet);
  }
  it = known_.find(key);
  if (it == known_.end()) co_return Unit{};
  const std::string ready = ready_status(*node);
  if (it->second.ready == "True" && ready != "True") deps_.events.normal(*node, "NodeNotReady", "Node " + key + " status is now: NodeNotReady");
  it->second.ready = ready;
  if (ready == "True" || ready.empty()) {
    it->second.pods_marked = false;
  } else if (!std::exchange(it->second.pods_marked, true)) {
    auto marked = co_await mark_pods_not_ready(ctx, key);
    it = known_.find(key);
    if (it == known_.end()) co_return Unit{};
    if (!marked) {
      it->second.pods_marked = false;  // again, with the queue's back-off
      co_return marked;
    }
  }
  count(it->second, node.get());
  std::optional<rt::Duration> wait;
  const auto has_eviction = [&] {
    return std::ranges::any_of(node->spec.taints,
                               [](const auto& t) { return t.effect == "NoExecute" && (t.key == not_ready_taint || t.key == unreachable_taint); });
  };
  Eviction eviction = all_disrupted_ ? Eviction::Never : Eviction::Later;
  if (!all_disrupted_ && wants_eviction(*node) && !has_eviction() && may_evict(it->second, wait)) eviction = Eviction::Now;
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  CO_TRY_ASSIGN(auto taints, contained([&] { return plan_taints(*node, eviction, now); }));
  if (wait) loop_.queue().add_after(key, *wait);
  if (!same_taints(taints, node->spec.taints)) {
    const std::string zone = it->second.zone;
    CO_TRY(co_await write_taints(ctx, node, std::move(taints)));
    if (eviction == Eviction::Now) evictions_.with({zone}).add();
  }
  co_return co_await write_labels(std::move(ctx), node);
}

}  // namespace

std::unique_ptr<Controller> make_node_lifecycle_controller(ControllerDeps deps) { return std::make_unique<NodeLifecycleController>(std::move(deps)); }

}  // namespace pintle::controller::node_lifecycle

#include "controller/daemonset/controller.h"

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/selectors/or_nothing.h"
#include "client/label_index.h"
#include "client/work_queue.h"
#include "controller/daemonset/failure_backoff.h"
#include "controller/daemonset/ledger.h"
#include "controller/objects/claim.h"
#include "controller/objects/revisions.h"
#include "controller/pods/pending_pods.h"
#include "controller/pods/pod_control.h"
#include "rt/combine.h"

namespace pintle::controller::daemonset {

using api::apps_v1::DaemonSetStatus;
using api::core_v1::Node;
using api::core_v1::Pod;
using apimachinery::LabelSelector;
using SetPtr = std::shared_ptr<const DaemonSet>;

namespace {

constexpr const char* daemons_index = "daemons by node";  // by the set's uid and the node that they are for

class DaemonSetController final : public Controller {
 public:
  explicit DaemonSetController(ControllerDeps deps)
      : deps_(deps),
        sets_(deps.informers.of<DaemonSet>()),
        nodes_(deps.informers.of<Node>()),
        written_(sets_),
        revisions_(deps.client, deps.informers),
        pending_(deps.pods),
        control_(deps.client, deps.events),
        loop_(deps.loop("daemonset"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    watch_sets();
    watch_nodes();
    watch_pods();
  }
  void start() override { loop_.start(deps_.workers(2)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  // What the rounds of a set remember.
  struct Memory {
    std::string uid;
    int64_t generation = 0;
    std::string hash;
    Ledger ledger;
    bool orphans = true;                                  // pods of nobody may match it
    std::map<std::string, std::string> unseen_pods = {};  // created and not seen: the nodes by the pods' names
  };
  using MemoryPtr = std::shared_ptr<Memory>;

  void watch_sets();
  void watch_nodes();
  void watch_pods();
  static bool same_taints(const Node& a, const Node& b) {
    const auto same = [](const auto& x, const auto& y) { return x.key == y.key && x.value == y.value && x.effect == y.effect; };
    return std::ranges::equal(a.spec.taints, b.spec.taints, same);
  }
  static std::string key_of(const api::meta_v1::ObjectMeta& meta) { return client::object_key(meta.namespace_, meta.name); }
  void enqueue(const DaemonSet& set) { loop_.queue().add(key_of(set.metadata)); }
  void node_changed(const Node& node);
  void pod_changed(const Pod& pod);
  void enqueue_matching(const Pod& pod);
  MemoryPtr memory_of(const std::string& key, const DaemonSet& set, const std::string& hash);
  std::vector<pods::PodPtr> pods_for(const std::string& uid, const std::string& node) const {
    return deps_.pods.informer().by_index(daemons_index, uid + "/" + node);
  }
  void look_for_unseen(const api::meta_v1::ObjectMeta& meta) {
    if (pending_.awaits(meta.uid)) loop_.queue().add_after(client::object_key(meta.namespace_, meta.name), pods::unseen_pods_wait);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  // Takes in pods of nobody, and lets those go that match no more.
  rt::Task<Result<Unit>> claim_pods(rt::Context ctx, SetPtr set, LabelSelector selector, MemoryPtr memory);
  Result<Plan> plan_round(const DaemonSet& set, const LabelSelector& selector, Memory& memory);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, SetPtr set);
  rt::Task<Result<Unit>> create_one(rt::Context ctx, SetPtr set, std::string node, std::string hash);
  rt::Task<Result<Unit>> remove_one(rt::Context ctx, SetPtr set, Removal removal);
  rt::Task<std::optional<Status>> change_pods(rt::Context ctx, SetPtr set, Plan& plan, std::string hash);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, SetPtr set, DaemonSetStatus status);

  ControllerDeps deps_;
  client::Informer<DaemonSet> sets_;
  client::Informer<Node> nodes_;
  objects::Written<DaemonSet> written_;
  objects::Revisions revisions_;
  pods::PendingPods pending_;
  pods::PodControl control_;
  FailureBackoff failures_;                    // by "namespace/set/node"
  std::map<std::string, MemoryPtr> memories_;  // by key
  client::ControlLoop loop_;
};

rt::Task<Result<api::meta_v1::ObjectMeta>> DaemonSetController::fresh_metadata(rt::Context ctx, SetPtr set) {
  auto read = co_await deps_.client.get<DaemonSet>(std::move(ctx), set->metadata.namespace_, set->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

void DaemonSetController::watch_sets() {
  client::index_selectors<DaemonSet>(sets_, [](const DaemonSet& set) { return apimachinery::selector_or_nothing(set.spec.selector.get()); });
  client::Informer<DaemonSet>::Handler handler;
  handler.on_add = [this](const SetPtr& set, bool) { enqueue(*set); };
  handler.on_update = [this](const SetPtr&, const SetPtr& set) { enqueue(*set); };
  handler.on_delete = [this](const SetPtr& set) {
    pending_.forget(set->metadata.uid);
    memories_.erase(key_of(set->metadata));
    enqueue(*set);
  };
  sets_.add_handler(std::move(handler));
}

void DaemonSetController::watch_nodes() {
  client::Informer<Node>::Handler handler;
  handler.on_add = [this](const NodePtr& node, bool) { node_changed(*node); };
  handler.on_update = [this](const NodePtr& before, const NodePtr& after) {
    if (before->metadata.labels != after->metadata.labels || !same_taints(*before, *after)) node_changed(*after);
  };
  handler.on_delete = [this](const NodePtr& node) {
    for (const auto& [key, memory] : memories_) {
      if (!memory->ledger.knows(node->metadata.name)) continue;
      memory->ledger.mark(node->metadata.name);
      loop_.queue().add(key);
    }
  };
  nodes_.add_handler(std::move(handler));
}

void DaemonSetController::watch_pods() {
  deps_.pods.informer().add_index(daemons_index, [](const Pod& pod) {
    const auto* ref = rules::controller_of(pod.metadata);
    return ref != nullptr && ref->kind == "DaemonSet" ? std::vector<std::string>{ref->uid + "/" + target_node(pod)} : std::vector<std::string>();
  });
  // Before the sets are told.
  client::Informer<Pod>::Handler handler;
  handler.on_add = [this](const pods::PodPtr& pod, bool) { pod_changed(*pod); };
  handler.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) {
    pod_changed(*before);
    pod_changed(*after);
  };
  handler.on_delete = [this](const pods::PodPtr& pod) { pod_changed(*pod); };
  deps_.pods.informer().add_handler(std::move(handler));
  deps_.pods.add_owner_handler({"DaemonSet", "apps",
                                [this](const std::string& ns, const api::meta_v1::OwnerReference& ref, const pods::PodPtr&) {
                                  loop_.queue().add(client::object_key(ns, ref.name));
                                },
                                [this](const Pod& pod) { enqueue_matching(pod); }});
}

// Sets that know nothing yet look at every node anyway.
void DaemonSetController::node_changed(const Node& node) {
  for (const auto& [key, memory] : memories_) {
    if (!memory->ledger.is_concerned(node)) continue;
    memory->ledger.mark(node.metadata.name);
    loop_.queue().add(key);
  }
}

void DaemonSetController::pod_changed(const Pod& pod) {
  const auto* ref = rules::controller_of(pod.metadata);
  if (ref == nullptr || ref->kind != "DaemonSet") return;
  const auto it = memories_.find(client::object_key(pod.metadata.namespace_, ref->name));
  if (it != memories_.end() && it->second->uid == ref->uid) it->second->ledger.mark(target_node(pod));
}

void DaemonSetController::enqueue_matching(const Pod& pod) {
  for (const SetPtr& set : client::perhaps_selecting(sets_, pod.metadata.namespace_, pod.metadata.labels)) {
    const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
    if (!selector || selector->matches_everything() || !selector->matches(pod.metadata.labels)) continue;
    if (const auto it = memories_.find(key_of(set->metadata)); it != memories_.end()) it->second->orphans = true;
    enqueue(*set);
  }
}

// Another spec or template: everything is looked at anew.
DaemonSetController::MemoryPtr DaemonSetController::memory_of(const std::string& key, const DaemonSet& set, const std::string& hash) {
  const auto& meta = set.metadata;
  if (const auto it = memories_.find(key); it != memories_.end()) {
    const Memory& memory = *it->second;
    if (memory.uid == meta.uid && memory.generation == meta.generation && memory.hash == hash) return it->second;
  }
  Ledger ledger(set, deps_.options.feature_gates.enabled("TaintTolerationComparisonOperators"));
  nodes_.any().store().for_each_key([&](const std::string& node) { ledger.mark(node); });
  for (const pods::PodPtr& pod : deps_.pods.controlled_by(meta.uid)) ledger.mark(target_node(*pod));
  return memories_[key] = std::make_shared<Memory>(Memory{meta.uid, meta.generation, hash, std::move(ledger)});
}

rt::Task<Result<Unit>> DaemonSetController::claim_pods(rt::Context ctx, SetPtr set, LabelSelector selector, MemoryPtr memory) {
  std::vector<pods::PodPtr> candidates;
  for (const std::string& node : memory->ledger.marked())
    for (pods::PodPtr& pod : pods_for(set->metadata.uid, node))
      if (!selector.matches(pod->metadata.labels)) candidates.push_back(std::move(pod));
  if (std::exchange(memory->orphans, false))
    for (pods::PodPtr& pod : deps_.pods.orphans_selected(set->metadata.namespace_, selector)) candidates.push_back(std::move(pod));
  if (candidates.empty()) co_return Unit{};
  objects::ClaimRequest<Pod> request;
  request.owner = rules::controller_reference("apps/v1", "DaemonSet", set->metadata);
  request.owner_deleted = pods::is_deleted(set->metadata);
  request.matches = [selector = std::move(selector)](const Pod& pod) { return selector.matches(pod.metadata.labels); };
  request.fresh = [this, set](rt::Context c) { return fresh_metadata(std::move(c), set); };
  auto adopted = co_await claim<Pod>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
  if (!adopted) {
    memory->orphans = true;
    co_return Unexpected(std::move(adopted).error());
  }
  for (const pods::PodPtr& pod : *adopted) {
    memory->ledger.mark(target_node(*pod));
    pending_.created(set->metadata.uid, *pod);
  }
  co_return Unit{};
}

Result<Plan> DaemonSetController::plan_round(const DaemonSet& set, const LabelSelector& selector, Memory& memory) {
  const std::string &uid = set.metadata.uid, key = key_of(set.metadata);
  std::map<std::string, std::vector<pods::PodPtr>> unseen;  // by node
  std::map<std::string, std::string> unseen_pods;
  for (pods::PodPtr& pod : pending_.unseen(uid)) {
    std::string node = target_node(*pod);
    unseen_pods[pod->metadata.name] = node;
    unseen[std::move(node)].push_back(std::move(pod));
  }
  // Seen by now, or gone unseen.
  for (auto& [pod, node] : std::exchange(memory.unseen_pods, unseen_pods))
    if (!unseen_pods.contains(pod)) memory.ledger.mark(node);
  Observed seen{set, memory.hash, deps_.runtime.clock().now(), deps_.runtime.clock().wall_now(), {}, {}, {}};
  seen.node_named = [this](const std::string& node) { return nodes_.get(node); };
  seen.pods_for = [&](const std::string& node) {
    std::vector<pods::PodPtr> out = pods_for(uid, node);
    std::erase_if(out, [&](const pods::PodPtr& pod) { return !selector.matches(pod->metadata.labels); });  // let go
    for (pods::PodPtr& pod : out) pod = pending_.known(uid, std::move(pod));
    if (const auto it = unseen.find(node); it != unseen.end())
      for (const pods::PodPtr& pod : it->second)
        if (std::ranges::none_of(out, [&](const pods::PodPtr& other) { return other->metadata.uid == pod->metadata.uid; })) out.push_back(pod);
    return out;
  };
  seen.failure_wait = [&](const std::string& node) { return failures_.remaining(key + "/" + node, seen.now); };
  auto plan = contained([&] { return memory.ledger.round(seen); });
  if (!plan) memories_.erase(key);
  return plan;
}

rt::Task<Result<Unit>> DaemonSetController::create_one(rt::Context ctx, SetPtr set, std::string node, std::string hash) {
  pods::Workload owner{"apps/v1", "DaemonSet", &set->metadata};
  Pod pod = make_pod(*set, node, hash);
  auto made = co_await control_.create(std::move(ctx), std::move(owner), std::move(pod));
  if (!made) {
    if (pods::is_namespace_terminating(made.error())) co_return Unit{};
    co_return Unexpected(std::move(made).error());
  }
  pending_.created(set->metadata.uid, std::move(*made));
  look_for_unseen(set->metadata);
  co_return Unit{};
}

rt::Task<Result<Unit>> DaemonSetController::remove_one(rt::Context ctx, SetPtr set, Removal removal) {
  const std::string key = client::object_key(set->metadata.namespace_, set->metadata.name);
  if (!removal.event.empty()) {
    const bool failed = removal.event == "FailedDaemonPod";
    if (failed) (void)failures_.wait(key + "/" + target_node(*removal.pod), deps_.runtime.clock().now());  // counts it
    const std::string text = std::string("Found ") + (failed ? "failed" : "succeeded") + " daemon pod " + removal.pod->metadata.namespace_ + "/" +
                             removal.pod->metadata.name + " on node " + removal.pod->spec.node_name + ", will try to " +
                             (failed ? "kill" : "delete") + " it";
    if (failed) {
      deps_.events.warning(*set, removal.event, text);
    } else {
      deps_.events.normal(*set, removal.event, text);
    }
  }
  pods::Workload owner{"apps/v1", "DaemonSet", &set->metadata};
  CO_TRY(co_await control_.remove(std::move(ctx), std::move(owner), removal.pod));
  pending_.deleted(set->metadata.uid, *removal.pod);
  co_return Unit{};
}

rt::Task<std::optional<Status>> DaemonSetController::change_pods(rt::Context ctx, SetPtr set, Plan& plan, std::string hash) {
  std::function<rt::Task<Result<Unit>>(int)> attempt = [this, ctx, set, &plan, hash](int i) {
    return create_one(ctx, set, plan.create[static_cast<std::size_t>(i)], hash);
  };
  auto outcome = co_await pods::slow_start(static_cast<int>(plan.create.size()), std::move(attempt));
  std::vector<rt::Task<Result<Unit>>> removals;
  for (Removal& removal : plan.remove) removals.push_back(remove_one(ctx, set, std::move(removal)));
  auto results = co_await rt::when_all(std::move(removals));
  for (auto& result : results)
    if (!result && !outcome.failure) outcome.failure = std::move(result).error();
  co_return std::move(outcome.failure);
}

rt::Task<Result<Unit>> DaemonSetController::write_status(rt::Context ctx, SetPtr set, DaemonSetStatus status) {
  if (api::equal(api::type_of<DaemonSetStatus>(), &status, &set->status)) co_return Unit{};
  DaemonSet copy = *set;
  copy.status = std::move(status);
  auto written = co_await deps_.client.update_status<DaemonSet>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason == Reason::NotFound) co_return Unit{};
  if (!written) co_return Unexpected(std::move(written).error());
  written_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> DaemonSetController::sync(rt::Context ctx, std::string key) {
  SetPtr set = sets_.get(key);
  if (set == nullptr) {
    failures_.forget(key + "/");
    co_return Unit{};
  }
  set = written_.newest(set);
  const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
  if (!selector || selector->matches_everything()) {
    deps_.events.warning(*set, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
    co_return Unit{};
  }
  if (pods::is_deleted(set->metadata)) co_return Unit{};
  objects::RevisionOwner owner{"DaemonSet", &set->metadata, &set->spec.template_, set->status.collision_count, *selector};
  auto revision = co_await revisions_.ensure(ctx, owner, std::string(hash_label));
  if (!revision) {
    if (pods::is_namespace_terminating(revision.error())) co_return Unit{};
    co_return Unexpected(std::move(revision).error());
  }
  if (revision->collision) {
    DaemonSetStatus status = set->status;
    status.collision_count = status.collision_count.value_or(0) + 1;
    co_return co_await write_status(std::move(ctx), set, std::move(status));
  }
  const std::string* label = revision->revision->metadata.labels.get(hash_label);
  if (label == nullptr) co_return internal("revision " + revision->revision->metadata.name + " lost its label " + std::string(hash_label));
  const std::string hash = *label;
  const MemoryPtr memory = memory_of(key, *set, hash);
  CO_TRY(co_await claim_pods(ctx, set, *selector, memory));
  CO_TRY_ASSIGN(Plan plan, plan_round(*set, *selector, *memory));
  look_for_unseen(set->metadata);
  auto failure = co_await change_pods(ctx, set, plan, hash);
  CO_TRY(co_await write_status(ctx, set, std::move(plan.status)));
  if (failure) co_return Unexpected(std::move(*failure));
  if (plan.look_again) loop_.queue().add_after(key, *plan.look_again);
  std::set<std::string> live = {revision->revision->metadata.name};
  for (const std::string& one : memory->ledger.hashes()) live.insert(set->metadata.name + "-" + one);
  co_return co_await revisions_.trim(std::move(ctx), owner, std::move(live), set->spec.revision_history_limit.value_or(10));
}

}  // namespace

std::unique_ptr<Controller> make_daemonset_controller(ControllerDeps deps) { return std::make_unique<DaemonSetController>(std::move(deps)); }

}  // namespace pintle::controller::daemonset

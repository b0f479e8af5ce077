#include "controller/daemonset/controller.h"

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "client/work_queue.h"
#include "controller/daemonset/failure_backoff.h"
#include "controller/daemonset/plan.h"
#include "controller/objects/claim.h"
#include "controller/objects/revisions.h"
#include "controller/pods/pending_pods.h"
#include "controller/pods/pod_control.h"
#include "rt/combine.h"

namespace pintle::controller::daemonset {

using api::apps_v1::DaemonSetStatus;
using api::core_v1::Node;
using api::core_v1::Pod;
using SetPtr = std::shared_ptr<const DaemonSet>;

namespace {

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
    client::Informer<DaemonSet>::Handler sets;
    sets.on_add = [this](const SetPtr& set, bool) { enqueue(*set); };
    sets.on_update = [this](const SetPtr&, const SetPtr& set) { enqueue(*set); };
    sets.on_delete = [this](const SetPtr& set) { pending_.forget(set->metadata.uid); };
    sets_.add_handler(std::move(sets));
    client::Informer<Node>::Handler nodes;
    nodes.on_add = [this](const NodePtr&, bool initial) {
      if (!initial) enqueue_all();
    };
    nodes.on_update = [this](const NodePtr& before, const NodePtr& after) {
      if (before->metadata.labels != after->metadata.labels || !same_taints(*before, *after)) enqueue_all();
    };
    nodes.on_delete = [this](const NodePtr&) { enqueue_all(); };
    nodes_.add_handler(std::move(nodes));
    deps_.pods.add_owner_handler({"DaemonSet", "apps",
                                  [this](const std::string& ns, const api::meta_v1::OwnerReference& ref, const pods::PodPtr&) {
                                    loop_.queue().add(client::object_key(ns, ref.name));
                                  },
                                  [this](const Pod& pod) { enqueue_matching(pod); }});
  }
  void start() override { loop_.start(deps_.workers(2)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static bool same_taints(const Node& a, const Node& b) {
    const auto same = [](const auto& x, const auto& y) { return x.key == y.key && x.value == y.value && x.effect == y.effect; };
    return std::ranges::equal(a.spec.taints, b.spec.taints, same);
  }
  void enqueue(const DaemonSet& set) { loop_.queue().add(client::object_key(set.metadata.namespace_, set.metadata.name)); }
  void enqueue_all() {
    for (const SetPtr& set : sets_.list()) enqueue(*set);
  }
  void enqueue_matching(const Pod& pod) {
    for (const SetPtr& set : sets_.list(pod.metadata.namespace_)) {
      const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
      if (selector && !selector->matches_everything() && selector->matches(pod.metadata.labels)) enqueue(*set);
    }
  }
  void look_for_unseen(const api::meta_v1::ObjectMeta& meta) {
    if (pending_.awaits(meta.uid)) loop_.queue().add_after(client::object_key(meta.namespace_, meta.name), pods::unseen_pods_wait);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<std::vector<pods::PodPtr>>> claim_all(rt::Context ctx, SetPtr set);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, SetPtr set);
  rt::Task<Result<Unit>> create_one(rt::Context ctx, SetPtr set, std::string node, std::string hash);
  rt::Task<Result<Unit>> remove_one(rt::Context ctx, SetPtr set, Removal removal);
  rt::Task<std::optional<Status>> change_pods(rt::Context ctx, SetPtr set, Plan& plan, std::string hash);
  // Whether a failed pod may go now; else the set is looked at again when it may.
  // The nodes whose failed pods wait to be replaced; the set comes again when the first may be.
  std::set<std::string> waiting_nodes(const std::string& key, const std::vector<pods::PodPtr>& pods);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, SetPtr set, DaemonSetStatus status);

  ControllerDeps deps_;
  client::Informer<DaemonSet> sets_;
  client::Informer<Node> nodes_;
  objects::Written<DaemonSet> written_;
  objects::Revisions revisions_;
  pods::PendingPods pending_;
  pods::PodControl control_;
  FailureBackoff failures_;  // by "namespace/set/node"
  client::ControlLoop loop_;
};

rt::Task<Result<api::meta_v1::ObjectMeta>> DaemonSetController::fresh_metadata(rt::Context ctx, SetPtr set) {
  auto read = co_await deps_.client.get<DaemonSet>(std::move(ctx), set->metadata.namespace_, set->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

rt::Task<Result<std::vector<pods::PodPtr>>> DaemonSetController::claim_all(rt::Context ctx, SetPtr set) {
  auto selector = apimachinery::to_label_selector(set->spec.selector.get());
  if (!selector) co_return Unexpected(std::move(selector).error());
  std::vector<pods::PodPtr> candidates = pending_.merge(set->metadata.uid, deps_.pods.controlled_by(set->metadata.uid));
  look_for_unseen(set->metadata);
  for (pods::PodPtr& pod : deps_.pods.orphans_in(set->metadata.namespace_))
    if (selector->matches(pod->metadata.labels)) candidates.push_back(std::move(pod));
  objects::ClaimRequest<Pod> request;
  request.owner = rules::controller_reference("apps/v1", "DaemonSet", set->metadata);
  request.owner_deleted = pods::is_deleted(set->metadata);
  request.matches = [selector = std::move(*selector)](const Pod& pod) { return selector.matches(pod.metadata.labels); };
  request.fresh = [this, set](rt::Context c) { return fresh_metadata(std::move(c), set); };
  co_return co_await claim<Pod>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
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

std::set<std::string> DaemonSetController::waiting_nodes(const std::string& key, const std::vector<pods::PodPtr>& pods) {
  std::set<std::string> out;
  for (const pods::PodPtr& pod : pods) {
    if (pod->status.phase != "Failed" || pods::is_deleted(pod->metadata)) continue;
    const std::string node = target_node(*pod);
    const rt::Duration wait = failures_.remaining(key + "/" + node, deps_.runtime.clock().now());
    if (wait == rt::Duration::zero()) continue;
    out.insert(node);
    loop_.queue().add_after(key, wait);
  }
  return out;
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
  auto pods = co_await claim_all(ctx, set);
  if (!pods) co_return Unexpected(std::move(pods).error());
  const std::vector<NodePtr> nodes = nodes_.list();
  Observed observed{*set, nodes, *pods, hash, deps_.runtime.clock().wall_now()};
  observed.toleration_comparisons = deps_.options.feature_gates.enabled("TaintTolerationComparisonOperators");
  observed.waiting = waiting_nodes(key, *pods);
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_daemons(observed); }));
  auto failure = co_await change_pods(ctx, set, plan, hash);
  CO_TRY(co_await write_status(ctx, set, std::move(plan.status)));
  if (failure) co_return Unexpected(std::move(*failure));
  if (plan.look_again) loop_.queue().add_after(key, *plan.look_again);
  std::set<std::string> live = {revision->revision->metadata.name};
  for (const pods::PodPtr& pod : *pods)
    if (const std::string* label = pod->metadata.labels.get(hash_label)) live.insert(set->metadata.name + "-" + *label);
  co_return co_await revisions_.trim(std::move(ctx), owner, std::move(live), set->spec.revision_history_limit.value_or(10));
}

}  // namespace

std::unique_ptr<Controller> make_daemonset_controller(ControllerDeps deps) { return std::make_unique<DaemonSetController>(std::move(deps)); }

}  // namespace pintle::controller::daemonset

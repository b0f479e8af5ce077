#include "controller/replicaset/controller.h"

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "client/work_queue.h"
#include "controller/objects/claim.h"
#include "controller/pods/pending_pods.h"
#include "controller/pods/pod_control.h"
#include "controller/pods/pod_store.h"
#include "controller/replicaset/plan.h"
#include "controller/replicaset/replica_kind.h"
#include "rt/combine.h"
#include "rules/pod_state.h"

namespace pintle::controller::replicaset {

using api::apps_v1::ReplicaSet;
using api::core_v1::Pod;

namespace {

constexpr auto age_ratio_bounds = growing_bounds<6>(0.25, 2);

class ReplicaController final : public Controller {
 public:
  ReplicaController(ControllerDeps deps, std::unique_ptr<ReplicaKind> kind)
      : deps_(deps),
        kind_(std::move(kind)),
        pending_(deps.pods),
        control_(deps.client, deps.events),
        loop_(deps.loop(kind_->queue), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    kind_->on_change([this](const ReplicaSet& set, bool gone) {
      if (gone) pending_.forget(set.metadata.uid);
      enqueue(set.metadata);
    });
    deps_.pods.add_owner_handler({kind_->kind, kind_->group,
                                  [this](const std::string& ns, const api::meta_v1::OwnerReference& ref, const pods::PodPtr&) {
                                    loop_.queue().add(client::object_key(ns, ref.name));
                                  },
                                  [this](const Pod& pod) { enqueue_matching(pod); }});
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void enqueue(const api::meta_v1::ObjectMeta& meta) { loop_.queue().add(client::object_key(meta.namespace_, meta.name)); }
  void enqueue_matching(const Pod& pod);
  void look_for_unseen(const api::meta_v1::ObjectMeta& meta) {
    if (pending_.awaits(meta.uid)) loop_.queue().add_after(client::object_key(meta.namespace_, meta.name), pods::unseen_pods_wait);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, SetPtr set);
  rt::Task<Result<std::vector<pods::PodPtr>>> claim_all(rt::Context ctx, SetPtr set, apimachinery::LabelSelector selector,
                                                        std::vector<pods::PodPtr> candidates);
  rt::Task<std::optional<Status>> manage(rt::Context ctx, SetPtr set, Plan plan);
  rt::Task<Result<Unit>> create_one(rt::Context ctx, const ReplicaSet& set);
  rt::Task<Result<Unit>> remove_one(rt::Context ctx, const ReplicaSet& set, pods::PodPtr pod);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, SetPtr set, StatusInput input);
  std::vector<pods::PodPtr> related_pods(const ReplicaSet& set) const;
  pods::Workload workload(const ReplicaSet& set) const { return pods::Workload{kind_->api_version, kind_->kind, &set.metadata}; }

  ControllerDeps deps_;
  std::unique_ptr<ReplicaKind> kind_;
  pods::PendingPods pending_;
  pods::PodControl control_;
  component::metrics::Histogram& age_ratio_ =
      deps_.families.histogram("replicaset_controller_sorting_deletion_age_ratio",
                               "Ages of the ready pods that went, as multiples of the youngest ready pod's.", age_ratio_bounds);
  client::ControlLoop loop_;
};

void ReplicaController::enqueue_matching(const Pod& pod) {
  if (pod.metadata.labels.empty()) return;
  for (const SetPtr& set : kind_->perhaps_selecting(pod.metadata.namespace_, pod.metadata.labels)) {
    const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
    if (selector && !selector->matches_everything() && selector->matches(pod.metadata.labels)) enqueue(set->metadata);
  }
}

// Pods of all sets of the same Deployment: where they stand decides which of ours go first.
std::vector<pods::PodPtr> ReplicaController::related_pods(const ReplicaSet& set) const {
  const auto* ref = rules::controller_of(set.metadata);
  if (ref == nullptr) return deps_.pods.controlled_by(set.metadata.uid);
  std::vector<pods::PodPtr> out;
  for (const SetPtr& other : kind_->controlled_by(ref->uid))
    for (pods::PodPtr& pod : deps_.pods.controlled_by(other->metadata.uid)) out.push_back(std::move(pod));
  return out;
}

rt::Task<Result<api::meta_v1::ObjectMeta>> ReplicaController::fresh_metadata(rt::Context ctx, SetPtr set) {
  auto read = co_await kind_->fresh(std::move(ctx), set->metadata.namespace_, set->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

rt::Task<Result<std::vector<pods::PodPtr>>> ReplicaController::claim_all(rt::Context ctx, SetPtr set, apimachinery::LabelSelector selector,
                                                                         std::vector<pods::PodPtr> candidates) {
  objects::ClaimRequest<Pod> request;
  request.owner = rules::controller_reference(kind_->api_version, kind_->kind, set->metadata);
  request.owner_deleted = pods::is_deleted(set->metadata);
  request.matches = [&selector](const Pod& pod) { return selector.matches(pod.metadata.labels); };
  request.adoptable = rules::is_active;
  request.fresh = [this, set](rt::Context c) { return fresh_metadata(std::move(c), set); };
  co_return co_await claim<Pod>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
}

rt::Task<Result<Unit>> ReplicaController::create_one(rt::Context ctx, const ReplicaSet& set) {
  pods::Workload owner = workload(set);
  Pod pod = pods::pod_from_template(set.spec.template_, owner);
  auto made = co_await control_.create(std::move(ctx), std::move(owner), std::move(pod));
  if (!made) {
    // A namespace on its way out takes no pods, now or later.
    if (pods::is_namespace_terminating(made.error())) co_return Unit{};
    co_return Unexpected(std::move(made).error());
  }
  pending_.created(set.metadata.uid, std::move(*made));
  look_for_unseen(set.metadata);
  co_return Unit{};
}

rt::Task<Result<Unit>> ReplicaController::remove_one(rt::Context ctx, const ReplicaSet& set, pods::PodPtr pod) {
  pods::Workload owner = workload(set);
  CO_TRY(co_await control_.remove(std::move(ctx), std::move(owner), pod));
  pending_.deleted(set.metadata.uid, *pod);
  co_return Unit{};
}

rt::Task<std::optional<Status>> ReplicaController::manage(rt::Context ctx, SetPtr set, Plan plan) {
  if (plan.create > 0) {
    std::function<rt::Task<Result<Unit>>(int)> attempt = [this, ctx, set](int) { return create_one(ctx, *set); };
    auto outcome = co_await pods::slow_start(plan.create, std::move(attempt));
    co_return std::move(outcome.failure);
  }
  std::vector<rt::Task<Result<Unit>>> removals;
  for (pods::PodPtr& pod : plan.remove) removals.push_back(remove_one(ctx, *set, std::move(pod)));
  auto results = co_await rt::when_all(std::move(removals));
  for (auto& result : results)
    if (!result) co_return std::move(result).error();
  co_return std::nullopt;
}

rt::Task<Result<Unit>> ReplicaController::write_status(rt::Context ctx, SetPtr set, StatusInput input) {
  const auto& type = api::type_of<api::apps_v1::ReplicaSetStatus>();
  auto status = plan_status(*set, input);
  if (kind_->kind != "ReplicaSet") status.terminating_replicas.reset();
  if (api::equal(type, &status, &set->status)) co_return Unit{};
  auto written = co_await kind_->write_status(ctx, *set, status);
  if (written || written.error().reason != Reason::Conflict) co_return std::move(written);
  // Once more on the newest: the status is ours alone. Its generation stays the one that was acted on.
  auto newest = co_await kind_->fresh(ctx, set->metadata.namespace_, set->metadata.name);
  if (!newest) co_return Unexpected(std::move(newest).error());
  status = plan_status(*newest, input);
  status.observed_generation = set->metadata.generation;
  if (kind_->kind != "ReplicaSet") status.terminating_replicas.reset();
  co_return co_await kind_->write_status(ctx, std::move(*newest), std::move(status));
}

rt::Task<Result<Unit>> ReplicaController::sync(rt::Context ctx, std::string key) {
  const SetPtr set = kind_->get(key);
  if (set == nullptr) co_return Unit{};
  const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
  if (!selector) co_return Unit{};  // refused by validation; nothing to do until it changes
  std::vector<pods::PodPtr> candidates = pending_.merge(set->metadata.uid, deps_.pods.controlled_by(set->metadata.uid));
  look_for_unseen(set->metadata);
  if (!selector->matches_everything())
    for (pods::PodPtr& pod : deps_.pods.orphans_selected(set->metadata.namespace_, *selector)) candidates.push_back(std::move(pod));
  auto claimed = co_await claim_all(ctx, set, *selector, std::move(candidates));
  if (!claimed) co_return Unexpected(std::move(claimed).error());

  std::vector<pods::PodPtr> active;
  int terminating = 0;
  for (pods::PodPtr& pod : *claimed) {
    if (rules::is_active(*pod)) {
      active.push_back(std::move(pod));
    } else if (!rules::is_terminal(*pod)) {
      ++terminating;
    }
  }
  const rt::WallTime now = deps_.runtime.clock().wall_now();
  std::optional<Status> failure;
  const int difference = static_cast<int>(active.size()) - set->spec.replicas.value_or(1);
  if (!pods::is_deleted(set->metadata) && difference != 0) {
    CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_pods(*set, active, related_pods(*set), now); }));
    for (const double ratio : deletion_age_ratios(active, plan.remove, now)) age_ratio_.observe(ratio);
    failure = co_await manage(ctx, set, std::move(plan));
  }
  StatusInput input{active, terminating, failure, difference, now};
  auto written = co_await write_status(ctx, set, input);
  if (failure) co_return Unexpected(std::move(*failure));
  if (!written) {
    if (written.error().reason == Reason::NotFound) co_return Unit{};
    co_return std::move(written);
  }
  if (const auto wait = next_availability(*set, active, now)) loop_.queue().add_after(key, *wait);
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_replicaset_controller(ControllerDeps deps) {
  auto kind = replicaset_kind(deps);
  return std::make_unique<ReplicaController>(deps, std::move(kind));
}
std::unique_ptr<Controller> make_replication_controller(ControllerDeps deps) {
  auto kind = replication_controller_kind(deps);
  return std::make_unique<ReplicaController>(deps, std::move(kind));
}

}  // namespace pintle::controller::replicaset

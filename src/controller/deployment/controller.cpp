#include "controller/deployment/controller.h"

#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/selectors/or_nothing.h"
#include "client/label_index.h"
#include "client/work_queue.h"
#include "controller/deployment/plan.h"
#include "controller/objects/claim.h"
#include "controller/objects/hash.h"
#include "controller/objects/written.h"
#include "controller/pods/pod_control.h"
#include "controller/pods/pod_store.h"
#include "rules/pod_state.h"

namespace pintle::controller::deployment {

using DeploymentPtr = std::shared_ptr<const Deployment>;
using apimachinery::LabelSelector;

namespace {

class DeploymentController final : public Controller {
 public:
  explicit DeploymentController(ControllerDeps deps)
      : deps_(deps),
        deployments_(deps.informers.of<Deployment>()),
        sets_(deps.informers.of<ReplicaSet>()),
        written_sets_(sets_),
        written_(deployments_),
        loop_(deps.loop("deployment"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::index_selectors<Deployment>(
        deployments_, [](const Deployment& deployment) { return apimachinery::selector_or_nothing(deployment.spec.selector.get()); });
    deployments_.on_any([this](const Deployment& d) { enqueue(d.metadata); });
    client::Informer<ReplicaSet>::Handler handler;
    handler.on_add = [this](const SetPtr& set, bool) { set_changed(*set); };
    handler.on_update = [this](const SetPtr& before, const SetPtr& after) {
      const auto* ref = rules::controller_of(before->metadata);
      if (ref != nullptr && !is_controlled_by_uid(after->metadata, ref->uid)) enqueue_owner(before->metadata.namespace_, *ref);
      set_changed(*after);
    };
    handler.on_delete = [this](const SetPtr& set) { set_changed(*set); };
    sets_.add_handler(std::move(handler));
    objects::index_by_controller(sets_);
    client::Informer<api::core_v1::Pod>::Handler pods;
    pods.on_delete = [this](const pods::PodPtr& pod) { pod_gone(*pod); };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static bool is_controlled_by_uid(const api::meta_v1::ObjectMeta& meta, const std::string& uid) {
    const auto* ref = rules::controller_of(meta);
    return ref != nullptr && ref->uid == uid;
  }
  void enqueue(const api::meta_v1::ObjectMeta& meta) { loop_.queue().add(client::object_key(meta.namespace_, meta.name)); }
  void enqueue_owner(const std::string& ns, const api::meta_v1::OwnerReference& ref) {
    if (ref.kind == "Deployment") loop_.queue().add(client::object_key(ns, ref.name));
  }
  void set_changed(const ReplicaSet& set);
  void pod_gone(const api::core_v1::Pod& pod);
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> observe_only(rt::Context ctx, DeploymentPtr deployment);
  rt::Task<Result<Sets>> claim_sets(rt::Context ctx, DeploymentPtr deployment, LabelSelector selector);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, DeploymentPtr deployment);
  bool old_pods_running(const Deployment& deployment, const Sets& sets) const;
  rt::Task<Result<Unit>> apply(rt::Context ctx, DeploymentPtr deployment, Plan plan);
  rt::Task<Result<bool>> create_set(rt::Context ctx, DeploymentPtr deployment, ReplicaSet set);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, Deployment deployment);

  ControllerDeps deps_;
  client::Informer<Deployment> deployments_;
  client::Informer<ReplicaSet> sets_;
  objects::Written<ReplicaSet> written_sets_;
  objects::Written<Deployment> written_;
  client::ControlLoop loop_;
};

void DeploymentController::set_changed(const ReplicaSet& set) {
  if (const auto* ref = rules::controller_of(set.metadata)) return enqueue_owner(set.metadata.namespace_, *ref);
  if (set.metadata.labels.empty() || pods::is_deleted(set.metadata)) return;
  for (const DeploymentPtr& deployment : client::perhaps_selecting(deployments_, set.metadata.namespace_, set.metadata.labels)) {
    const auto selector = apimachinery::to_label_selector(deployment->spec.selector.get());
    if (selector && !selector->matches_everything() && selector->matches(set.metadata.labels)) enqueue(deployment->metadata);
  }
}

// Recreate goes on when the last old pod has gone.
void DeploymentController::pod_gone(const api::core_v1::Pod& pod) {
  const auto* ref = rules::controller_of(pod.metadata);
  if (ref == nullptr || ref->kind != "ReplicaSet") return;
  const SetPtr set = sets_.get(pod.metadata.namespace_, ref->name);
  if (set == nullptr || set->metadata.uid != ref->uid) return;
  const auto* owner = rules::controller_of(set->metadata);
  if (owner == nullptr) return;
  const DeploymentPtr deployment = deployments_.get(pod.metadata.namespace_, owner->name);
  if (deployment && deployment->spec.strategy.type == "Recreate") enqueue(deployment->metadata);
}

rt::Task<Result<api::meta_v1::ObjectMeta>> DeploymentController::fresh_metadata(rt::Context ctx, DeploymentPtr deployment) {
  auto read = co_await deps_.client.get<Deployment>(std::move(ctx), deployment->metadata.namespace_, deployment->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

rt::Task<Result<Sets>> DeploymentController::claim_sets(rt::Context ctx, DeploymentPtr deployment, LabelSelector selector) {
  Sets candidates = objects::controlled_by(sets_, deployment->metadata.uid);
  for (SetPtr& set : objects::orphans_in(sets_, deployment->metadata.namespace_)) candidates.push_back(std::move(set));
  for (SetPtr& set : candidates) set = written_sets_.newest(set);
  for (SetPtr& set : written_sets_.unseen(deployment->metadata.namespace_)) candidates.push_back(std::move(set));
  objects::ClaimRequest<ReplicaSet> request;
  request.owner = rules::controller_reference("apps/v1", "Deployment", deployment->metadata);
  request.owner_deleted = pods::is_deleted(deployment->metadata);
  request.matches = [selector = std::move(selector)](const ReplicaSet& set) { return selector.matches(set.metadata.labels); };
  request.fresh = [this, deployment](rt::Context c) { return fresh_metadata(std::move(c), deployment); };
  co_return co_await claim<ReplicaSet>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
}

bool DeploymentController::old_pods_running(const Deployment& deployment, const Sets& sets) const {
  const SetPtr current = find_new(deployment, sets);
  for (const SetPtr& set : sets) {
    if (set == current) continue;
    for (const pods::PodPtr& pod : deps_.pods.controlled_by(set->metadata.uid))
      if (!rules::is_terminal(*pod)) return true;
  }
  return false;
}

rt::Task<Result<Unit>> DeploymentController::write_status(rt::Context ctx, Deployment deployment) {
  auto written = co_await deps_.client.update_status<Deployment>(std::move(ctx), std::move(deployment));
  if (!written) co_return Unexpected(std::move(written).error());
  written_.remember(std::move(*written));
  co_return Unit{};
}

// True: the set is there. False: the name was taken by a set of another template, and the next round takes another.
rt::Task<Result<bool>> DeploymentController::create_set(rt::Context ctx, DeploymentPtr deployment, ReplicaSet set) {
  const std::string name = set.metadata.name;
  const int32_t size = replicas_of(set);
  const auto wanted = set.spec.template_;
  auto made = co_await deps_.client.create<ReplicaSet>(ctx, std::move(set));
  if (made) {
    written_sets_.remember(std::move(*made));
    if (size > 0) deps_.events.normal(*deployment, "ScalingReplicaSet", "Scaled up replica set " + name + " from 0 to " + std::to_string(size));
    co_return true;
  }
  if (made.error().reason == Reason::AlreadyExists) {
    auto there = co_await deps_.client.get<ReplicaSet>(ctx, deployment->metadata.namespace_, name);
    if (!there) co_return Unexpected(std::move(there).error());
    if (rules::is_controlled_by(there->metadata, deployment->metadata) && objects::equal_ignoring_hash(there->spec.template_, wanted)) {
      written_sets_.remember(std::move(*there));
      co_return true;
    }
    CO_TRY(co_await write_status(ctx, after_collision(*deployment)));
    co_return false;
  }
  if (pods::is_namespace_terminating(made.error())) co_return Unexpected(std::move(made).error());
  deps_.events.warning(*deployment, "ReplicaSetCreateError", "Failed to create new replica set \"" + name + "\": " + made.error().message);
  if (has_progress_deadline(*deployment)) {
    auto noted = co_await write_status(ctx, after_failed_create(*deployment, name, made.error(), deps_.runtime.clock().wall_now()));
    (void)noted;  // the failure to create is what counts
  }
  co_return Unexpected(std::move(made).error());
}

rt::Task<Result<Unit>> DeploymentController::apply(rt::Context ctx, DeploymentPtr deployment, Plan plan) {
  if (plan.create) {
    auto created = co_await create_set(ctx, deployment, std::move(*plan.create));
    if (!created) co_return Unexpected(std::move(created).error());
    if (!*created) co_return Unit{};  // the collision count is written: its event brings the next round
  }
  for (SetUpdate& update : plan.update) {
    auto written = co_await deps_.client.update<ReplicaSet>(ctx, std::move(update.set));
    if (!written) co_return Unexpected(std::move(written).error());
    written_sets_.remember(std::move(*written));
    if (!update.event.empty()) deps_.events.normal(*deployment, "ScalingReplicaSet", std::move(update.event));
  }
  for (const SetPtr& set : plan.remove) {
    auto removed = co_await deps_.client.remove<ReplicaSet>(ctx, set->metadata.namespace_, set->metadata.name);
    if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed).error());
  }
  if (plan.status) CO_TRY(co_await write_status(ctx, std::move(*plan.status)));
  if (plan.look_again) loop_.queue().add_after(client::object_key(deployment->metadata.namespace_, deployment->metadata.name), *plan.look_again);
  co_return Unit{};
}

rt::Task<Result<Unit>> DeploymentController::observe_only(rt::Context ctx, DeploymentPtr deployment) {
  deps_.events.warning(*deployment, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
  if (deployment->status.observed_generation >= deployment->metadata.generation) co_return Unit{};
  Deployment copy = *deployment;
  copy.status.observed_generation = copy.metadata.generation;
  co_return co_await write_status(std::move(ctx), std::move(copy));
}

rt::Task<Result<Unit>> DeploymentController::sync(rt::Context ctx, std::string key) {
  DeploymentPtr deployment = deployments_.get(key);
  if (deployment == nullptr) co_return Unit{};
  deployment = written_.newest(deployment);
  const auto selector = apimachinery::to_label_selector(deployment->spec.selector.get());
  if (!selector) co_return Unit{};  // refused by validation
  if (selector->matches_everything()) co_return co_await observe_only(std::move(ctx), deployment);
  auto sets = co_await claim_sets(ctx, deployment, *selector);
  if (!sets) co_return Unexpected(std::move(sets).error());
  const bool running = deployment->spec.strategy.type == "Recreate" && old_pods_running(*deployment, *sets);
  Observed observed{*deployment, *sets, running, deps_.runtime.clock().wall_now()};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_deployment(observed); }));
  auto done = co_await apply(ctx, deployment, std::move(plan));
  if (!done && (done.error().reason == Reason::NotFound || pods::is_namespace_terminating(done.error()))) co_return Unit{};
  co_return std::move(done);
}

}  // namespace

std::unique_ptr<Controller> make_deployment_controller(ControllerDeps deps) { return std::make_unique<DeploymentController>(std::move(deps)); }

}  // namespace pintle::controller::deployment

#include "controller/statefulset/controller.h"

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/selectors/or_nothing.h"
#include "client/label_index.h"
#include "client/work_queue.h"
#include "controller/objects/claim.h"
#include "controller/objects/revisions.h"
#include "controller/pods/pending_pods.h"
#include "controller/pods/pod_control.h"
#include "controller/statefulset/claims.h"
#include "controller/statefulset/plan.h"
#include "rt/combine.h"

namespace pintle::controller::statefulset {

using api::apps_v1::StatefulSetStatus;
using SetPtr = std::shared_ptr<const StatefulSet>;

namespace {

constexpr std::string_view history_hash_label = "controller.kubernetes.io/hash";

class StatefulSetController final : public Controller {
 public:
  explicit StatefulSetController(ControllerDeps deps)
      : deps_(deps),
        sets_(deps.informers.of<StatefulSet>()),
        written_(sets_),
        revisions_(deps.client, deps.informers),
        claims_(deps.client, deps.informers, deps.events),
        pending_(deps.pods),
        loop_(deps.loop("statefulset"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }) {
    client::index_selectors<StatefulSet>(sets_, [](const StatefulSet& set) { return apimachinery::selector_or_nothing(set.spec.selector.get()); });
    client::Informer<StatefulSet>::Handler sets;
    sets.on_add = [this](const SetPtr& set, bool) { enqueue(*set); };
    sets.on_update = [this](const SetPtr&, const SetPtr& set) { enqueue(*set); };
    sets.on_delete = [this](const SetPtr& set) { pending_.forget(set->metadata.uid); };
    sets_.add_handler(std::move(sets));
    deps_.pods.add_owner_handler({"StatefulSet", "apps",
                                  [this](const std::string& ns, const api::meta_v1::OwnerReference& ref, const pods::PodPtr&) {
                                    loop_.queue().add(client::object_key(ns, ref.name));
                                  },
                                  [this](const Pod& pod) { enqueue_matching(pod); }});
  }
  void start() override { loop_.start(deps_.workers(5)); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  void enqueue(const StatefulSet& set) { loop_.queue().add(client::object_key(set.metadata.namespace_, set.metadata.name)); }
  void enqueue_matching(const Pod& pod) {
    for (const SetPtr& set : client::perhaps_selecting(sets_, pod.metadata.namespace_, pod.metadata.labels)) {
      const auto selector = apimachinery::to_label_selector(set->spec.selector.get());
      if (selector && !selector->matches_everything() && selector->matches(pod.metadata.labels) && ordinal_of(*set, pod.metadata.name)) enqueue(*set);
    }
  }
  void look_for_unseen(const api::meta_v1::ObjectMeta& meta) {
    if (pending_.awaits(meta.uid)) loop_.queue().add_after(client::object_key(meta.namespace_, meta.name), pods::unseen_pods_wait);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<std::vector<pods::PodPtr>>> claim_all(rt::Context ctx, SetPtr set);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, SetPtr set);
  rt::Task<Result<Unit>> apply(rt::Context ctx, SetPtr set, Plan& plan, objects::RevisionPtr current);
  rt::Task<Result<Unit>> create_one(rt::Context ctx, SetPtr set, Creation creation, Plan& plan, objects::RevisionPtr current);
  rt::Task<Result<Unit>> remove_one(rt::Context ctx, SetPtr set, Removal removal);
  rt::Task<Result<Unit>> repair(rt::Context ctx, SetPtr set, pods::PodPtr pod);
  // Its outcome is an event's.
  rt::Task<Result<Unit>> update_one(rt::Context ctx, SetPtr set, pods::PodPtr pod);
  rt::Task<Result<Unit>> settle_claims(rt::Context ctx, SetPtr set, const std::vector<pods::PodPtr>& pods);
  void tell_failed_update(const StatefulSet& set, const Pod& pod, const Status& why) {
    deps_.events.warning(set, "FailedUpdate",
                         "Update Pod " + pod.metadata.name + " in StatefulSet " + set.metadata.name + " failed error: " + why.message);
  }
  rt::Task<Result<Unit>> write_status(rt::Context ctx, SetPtr set, StatefulSetStatus status);

  ControllerDeps deps_;
  client::Informer<StatefulSet> sets_;
  objects::Written<StatefulSet> written_;
  objects::Revisions revisions_;
  Claims claims_;
  pods::PendingPods pending_;
  client::ControlLoop loop_;
};

rt::Task<Result<api::meta_v1::ObjectMeta>> StatefulSetController::fresh_metadata(rt::Context ctx, SetPtr set) {
  auto read = co_await deps_.client.get<StatefulSet>(std::move(ctx), set->metadata.namespace_, set->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

rt::Task<Result<std::vector<pods::PodPtr>>> StatefulSetController::claim_all(rt::Context ctx, SetPtr set) {
  auto selector = apimachinery::to_label_selector(set->spec.selector.get());
  if (!selector) co_return Unexpected(std::move(selector).error());
  std::vector<pods::PodPtr> candidates = pending_.merge(set->metadata.uid, deps_.pods.controlled_by(set->metadata.uid));
  look_for_unseen(set->metadata);
  for (pods::PodPtr& pod : deps_.pods.orphans_selected(set->metadata.namespace_, *selector)) candidates.push_back(std::move(pod));
  objects::ClaimRequest<Pod> request;
  request.owner = rules::controller_reference("apps/v1", "StatefulSet", set->metadata);
  request.owner_deleted = pods::is_deleted(set->metadata);
  request.matches = [selector = std::move(*selector), set](const Pod& pod) {
    return selector.matches(pod.metadata.labels) && ordinal_of(*set, pod.metadata.name);
  };
  request.fresh = [this, set](rt::Context c) { return fresh_metadata(std::move(c), set); };
  co_return co_await claim<Pod>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
}

rt::Task<Result<Unit>> StatefulSetController::create_one(rt::Context ctx, SetPtr set, Creation creation, Plan& plan, objects::RevisionPtr current) {
  if (claims_.stale(*set, creation.ordinal))  // again, with the queue's back-off
    co_return error(Reason::Conflict, "a claim of " + pod_name(*set, creation.ordinal) + " goes with a former pod");
  const auto failed = [&](const Status& why) {
    deps_.events.warning(
        *set, "FailedCreate",
        "Create Pod " + pod_name(*set, creation.ordinal) + " in StatefulSet " + set->metadata.name + " failed error: " + why.message);
  };
  auto claims = co_await claims_.ensure(ctx, set, creation.ordinal);
  if (!claims) {
    failed(claims.error());
    co_return Unexpected(std::move(claims).error());
  }
  const auto current_template = creation.current ? objects::template_of(*current) : std::nullopt;
  const std::string revision = current_template ? plan.status.current_revision : plan.status.update_revision;
  Pod pod = make_pod(*set, current_template ? *current_template : set->spec.template_, creation.ordinal, revision);
  const std::string name = pod.metadata.name;
  auto made = co_await deps_.client.create<Pod>(std::move(ctx), std::move(pod));
  if (!made) {
    if (!pods::is_namespace_terminating(made.error()) && made.error().reason != Reason::AlreadyExists) failed(made.error());
    co_return Unexpected(std::move(made).error());
  }
  deps_.events.normal(*set, "SuccessfulCreate", "Create Pod " + name + " in StatefulSet " + set->metadata.name + " successful");
  pending_.created(set->metadata.uid, std::move(*made));
  look_for_unseen(set->metadata);
  ++plan.status.replicas;
  if (revision == plan.status.current_revision) ++plan.status.current_replicas;
  if (revision == plan.status.update_revision) ++plan.status.updated_replicas;
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::remove_one(rt::Context ctx, SetPtr set, Removal removal) {
  const std::string name = removal.pod->metadata.name;
  if (!removal.event.empty()) {
    const std::string text = "StatefulSet " + set->metadata.namespace_ + "/" + set->metadata.name + " is recreating " +
                             (removal.event == "RecreatingFailedPod" ? "failed" : "terminated") + " Pod " + name;
    if (removal.event == "RecreatingFailedPod") {
      deps_.events.warning(*set, removal.event, text);
    } else {
      deps_.events.normal(*set, removal.event, text);
    }
  }
  CO_TRY(co_await claims_.settle_owners(ctx, set, removal.pod));
  client::DeleteOptions options;
  options.precondition_uid = removal.pod->metadata.uid;
  auto done = co_await deps_.client.remove<Pod>(std::move(ctx), removal.pod->metadata.namespace_, name, std::move(options));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Conflict) {
    deps_.events.warning(*set, "FailedDelete",
                         "Delete Pod " + name + " in StatefulSet " + set->metadata.name + " failed error: " + done.error().message);
    co_return std::move(done);
  }
  if (done) deps_.events.normal(*set, "SuccessfulDelete", "Delete Pod " + name + " in StatefulSet " + set->metadata.name + " successful");
  pending_.deleted(set->metadata.uid, *removal.pod);
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::repair(rt::Context ctx, SetPtr set, pods::PodPtr pod) {
  const auto ordinal = ordinal_of(*set, pod->metadata.name);
  if (!ordinal) co_return Unit{};
  CO_TRY(co_await claims_.ensure(ctx, set, *ordinal));
  auto fresh = co_await deps_.client.get<Pod>(ctx, pod->metadata.namespace_, pod->metadata.name);  // what the store keeps of pods is not whole
  if (!fresh) co_return Unexpected(std::move(fresh).error());
  set_identity(*set, *fresh, *ordinal);
  if (!has_storage(*set, *fresh)) set_storage(*set, *fresh, *ordinal);
  auto written = co_await deps_.client.update<Pod>(std::move(ctx), std::move(*fresh));
  if (!written) co_return Unexpected(std::move(written).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::update_one(rt::Context ctx, SetPtr set, pods::PodPtr pod) {
  auto done = co_await repair(std::move(ctx), set, pod);
  if (done) {
    deps_.events.normal(*set, "SuccessfulUpdate", "Update Pod " + pod->metadata.name + " in StatefulSet " + set->metadata.name + " successful");
  } else {
    tell_failed_update(*set, *pod, done.error());
  }
  co_return std::move(done);
}

rt::Task<Result<Unit>> StatefulSetController::settle_claims(rt::Context ctx, SetPtr set, const std::vector<pods::PodPtr>& pods) {
  if (pods::is_deleted(set->metadata)) co_return Unit{};
  for (const pods::PodPtr& pod : pods) {
    const auto ordinal = ordinal_of(*set, pod->metadata.name);
    if (!ordinal || !is_wanted(*set, *ordinal)) continue;
    auto done = co_await claims_.settle_owners(ctx, set, pod);
    if (done) continue;
    tell_failed_update(*set, *pod, done.error());
    co_return std::move(done);
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::apply(rt::Context ctx, SetPtr set, Plan& plan, objects::RevisionPtr current) {
  for (const int32_t ordinal : plan.claims) CO_TRY(co_await claims_.ensure(ctx, set, ordinal));
  for (const pods::PodPtr& pod : plan.repair) CO_TRY(co_await update_one(ctx, set, pod));
  // In order there is at most one of either.
  std::function<rt::Task<Result<Unit>>(int)> attempt = [this, ctx, set, &plan, current](int i) {
    return create_one(ctx, set, plan.create[static_cast<std::size_t>(i)], plan, current);
  };
  auto made = co_await pods::slow_start(static_cast<int>(plan.create.size()), std::move(attempt));
  if (made.failure) co_return Unexpected(std::move(*made.failure));
  std::vector<rt::Task<Result<Unit>>> removals;
  for (Removal& removal : plan.remove) removals.push_back(remove_one(ctx, set, std::move(removal)));
  auto results = co_await rt::when_all(std::move(removals));
  for (auto& result : results)
    if (!result) co_return std::move(result);
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::write_status(rt::Context ctx, SetPtr set, StatefulSetStatus status) {
  if (api::equal(api::type_of<StatefulSetStatus>(), &status, &set->status)) co_return Unit{};
  StatefulSet copy = *set;
  copy.status = std::move(status);
  auto written = co_await deps_.client.update_status<StatefulSet>(std::move(ctx), std::move(copy));
  if (!written && written.error().reason == Reason::NotFound) co_return Unit{};
  if (!written) co_return Unexpected(std::move(written).error());
  written_.remember(std::move(*written));
  co_return Unit{};
}

rt::Task<Result<Unit>> StatefulSetController::sync(rt::Context ctx, std::string key) {
  SetPtr set = sets_.get(key);
  if (set == nullptr) co_return Unit{};
  set = written_.newest(set);
  auto pods = co_await claim_all(ctx, set);
  if (!pods) co_return Unexpected(std::move(pods).error());
  objects::RevisionOwner owner{"StatefulSet", &set->metadata, &set->spec.template_, set->status.collision_count};
  if (auto selector = apimachinery::to_label_selector(set->spec.selector.get())) owner.selector = std::move(*selector);
  auto update = co_await revisions_.ensure(ctx, owner, std::string(history_hash_label));
  if (!update) {
    if (pods::is_namespace_terminating(update.error())) co_return Unit{};
    co_return Unexpected(std::move(update).error());
  }
  if (update->collision) {
    StatefulSetStatus status = set->status;
    status.collision_count = status.collision_count.value_or(0) + 1;
    co_return co_await write_status(std::move(ctx), set, std::move(status));
  }
  objects::RevisionPtr current = update->revision;
  for (const objects::RevisionPtr& revision : revisions_.of(owner))
    if (revision->metadata.name == set->status.current_revision) current = revision;
  Observed observed{*set, *pods, current->metadata.name, update->revision->metadata.name, deps_.runtime.clock().wall_now()};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_set(observed); }));
  if (!plan.status.collision_count) plan.status.collision_count = 0;
  auto done = co_await apply(ctx, set, plan, current);
  complete_rollout(*set, plan.status);
  CO_TRY(co_await write_status(ctx, set, plan.status));
  if (!done) {
    if (pods::is_namespace_terminating(done.error())) co_return Unit{};
    co_return std::move(done);
  }
  if (plan.look_again) loop_.queue().add_after(key, *plan.look_again);
  CO_TRY(co_await settle_claims(ctx, set, *pods));
  std::set<std::string> live = {plan.status.current_revision, plan.status.update_revision};
  for (const pods::PodPtr& pod : *pods)
    if (const std::string* label = pod->metadata.labels.get(revision_label)) live.insert(*label);
  co_return co_await revisions_.trim(std::move(ctx), owner, std::move(live), set->spec.revision_history_limit.value_or(10));
}

}  // namespace

std::unique_ptr<Controller> make_statefulset_controller(ControllerDeps deps) { return std::make_unique<StatefulSetController>(std::move(deps)); }

}  // namespace pintle::controller::statefulset

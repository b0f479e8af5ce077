#include "controller/job/controller.h"

#include "api/codec.h"
#include "apimachinery/selectors/label_selector.h"
#include "client/work_queue.h"
#include "controller/job/metrics.h"
#include "controller/job/plan.h"
#include "controller/objects/claim.h"
#include "controller/objects/written.h"
#include "controller/pods/pending_pods.h"
#include "controller/pods/pod_control.h"
#include "rt/combine.h"

namespace pintle::controller::job {

using api::core_v1::Pod;
using JobPtr = std::shared_ptr<const Job>;

namespace {

class JobController final : public Controller {
 public:
  explicit JobController(ControllerDeps deps)
      : deps_(deps),
        jobs_(deps.informers.of<Job>()),
        written_(jobs_),
        pending_(deps.pods),
        control_(deps.client, deps.events),
        loop_(
            deps.loop("job"), [this](rt::Context ctx, std::string key) { return sync(std::move(ctx), std::move(key)); }, backoff),
        orphans_(deps.loop("job_orphan_pod"), [this](rt::Context ctx, std::string key) { return release_orphan(std::move(ctx), std::move(key)); }) {
    client::Informer<Job>::Handler handler;
    handler.on_add = [this](const JobPtr& job, bool) { enqueue(*job); };
    handler.on_update = [this](const JobPtr&, const JobPtr& job) { enqueue(*job); };
    handler.on_delete = [this](const JobPtr& job) {
      pending_.forget(job->metadata.uid);
      removed_.erase(job->metadata.uid);
      for (const pods::PodPtr& pod : deps_.pods.controlled_by(job->metadata.uid)) look_at_orphan(*pod);
    };
    jobs_.add_handler(std::move(handler));
    deps_.pods.add_owner_handler(
        {"Job", "batch",
         [this](const std::string& ns, const api::meta_v1::OwnerReference& ref, const pods::PodPtr& pod) { pod_changed(ns, ref, *pod); },
         [this](const Pod& pod) { look_at_orphan(pod); }});
    client::Informer<Pod>::Handler pods;
    pods.on_add = [this](const pods::PodPtr& pod, bool) { metrics_.pod_changed(nullptr, pod.get()); };
    pods.on_update = [this](const pods::PodPtr& before, const pods::PodPtr& after) { metrics_.pod_changed(before.get(), after.get()); };
    pods.on_delete = [this](const pods::PodPtr& pod) { metrics_.pod_changed(pod.get(), nullptr); };
    deps_.pods.informer().add_handler(std::move(pods));
  }
  void start() override {
    loop_.start(deps_.workers(5));
    orphans_.start(1);
  }
  rt::Task<void> stop() override {
    co_await loop_.stop();
    co_await orphans_.stop();
  }

 private:
  static constexpr client::WorkQueueOptions backoff{std::chrono::seconds(1), std::chrono::minutes(1)};

  void enqueue(const Job& job) { loop_.queue().add(client::object_key(job.metadata.namespace_, job.metadata.name)); }
  void pod_changed(const std::string& ns, const api::meta_v1::OwnerReference& ref, const Pod& pod);
  void look_at_orphan(const Pod& pod) {
    if (has_tracking_finalizer(pod)) orphans_.queue().add(client::object_key(pod.metadata.namespace_, pod.metadata.name));
  }
  std::set<std::string> removed_of(const Job& job, const std::vector<pods::PodPtr>& there);
  void look_for_unseen(const api::meta_v1::ObjectMeta& meta) {
    if (pending_.awaits(meta.uid)) loop_.queue().add_after(client::object_key(meta.namespace_, meta.name), pods::unseen_pods_wait);
  }
  rt::Task<Result<Unit>> sync(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> work_on(rt::Context ctx, JobPtr job, std::vector<pods::PodPtr> pods, std::string_view& action);
  rt::Task<Result<std::vector<pods::PodPtr>>> claim_all(rt::Context ctx, JobPtr job);
  rt::Task<Result<api::meta_v1::ObjectMeta>> fresh_metadata(rt::Context ctx, JobPtr job);
  rt::Task<Result<Unit>> create_one(rt::Context ctx, JobPtr job, NewPod wanted);
  rt::Task<Result<Unit>> remove_one(rt::Context ctx, JobPtr job, pods::PodPtr pod, bool uncounted);
  rt::Task<Result<Unit>> release(rt::Context ctx, pods::PodPtr pod);
  rt::Task<Result<Unit>> release_all(rt::Context ctx, std::vector<pods::PodPtr> pods);
  rt::Task<Result<Unit>> release_orphan(rt::Context ctx, std::string key);
  rt::Task<std::optional<Status>> change_pods(rt::Context ctx, JobPtr job, Plan& plan);
  rt::Task<Result<Unit>> write_status(rt::Context ctx, JobPtr job, Plan& plan);

  ControllerDeps deps_;
  client::Informer<Job> jobs_;
  objects::Written<Job> written_;
  pods::PendingPods pending_;
  std::map<std::string, std::set<std::string>> removed_;  // by the Job's uid, the uids of pods that it wanted no more, while they are there
  pods::PodControl control_;
  Metrics metrics_{deps_.families};
  client::ControlLoop loop_, orphans_;
};

void JobController::pod_changed(const std::string& ns, const api::meta_v1::OwnerReference& ref, const Pod& pod) {
  const JobPtr job = jobs_.get(ns, ref.name);
  if (job == nullptr || job->metadata.uid != ref.uid) return look_at_orphan(pod);
  enqueue(*job);
}

rt::Task<Result<api::meta_v1::ObjectMeta>> JobController::fresh_metadata(rt::Context ctx, JobPtr job) {
  auto read = co_await deps_.client.get<Job>(std::move(ctx), job->metadata.namespace_, job->metadata.name);
  if (!read) co_return Unexpected(std::move(read).error());
  co_return std::move(read->metadata);
}

rt::Task<Result<std::vector<pods::PodPtr>>> JobController::claim_all(rt::Context ctx, JobPtr job) {
  auto selector = apimachinery::to_label_selector(job->spec.selector.get());
  if (!selector) co_return Unexpected(std::move(selector).error());
  std::vector<pods::PodPtr> candidates = pending_.merge(job->metadata.uid, deps_.pods.controlled_by(job->metadata.uid));
  look_for_unseen(job->metadata);
  for (pods::PodPtr& pod : deps_.pods.orphans_selected(job->metadata.namespace_, *selector)) candidates.push_back(std::move(pod));
  objects::ClaimRequest<Pod> request;
  request.owner = rules::controller_reference("batch/v1", "Job", job->metadata);
  request.owner_deleted = pods::is_deleted(job->metadata);
  request.matches = [selector = std::move(*selector)](const Pod& pod) { return selector.matches(pod.metadata.labels); };
  request.finalizer = tracking_finalizer;
  request.fresh = [this, job](rt::Context c) { return fresh_metadata(std::move(c), job); };
  co_return co_await claim<Pod>(deps_.client, std::move(ctx), std::move(request), std::move(candidates));
}

rt::Task<Result<Unit>> JobController::create_one(rt::Context ctx, JobPtr job, NewPod wanted) {
  pods::Workload owner{"batch/v1", "Job", &job->metadata};
  Pod pod = make_pod(*job, wanted);
  auto made = co_await control_.create(std::move(ctx), std::move(owner), std::move(pod));
  if (!made) co_return Unexpected(std::move(made).error());
  pending_.created(job->metadata.uid, std::move(*made));
  look_for_unseen(job->metadata);
  co_return Unit{};
}

rt::Task<Result<Unit>> JobController::remove_one(rt::Context ctx, JobPtr job, pods::PodPtr pod, bool uncounted) {
  if (uncounted) {
    removed_[job->metadata.uid].insert(pod->metadata.uid);
    if (has_tracking_finalizer(*pod)) CO_TRY(co_await release(ctx, pod));
  }
  pods::Workload owner{"batch/v1", "Job", &job->metadata};
  CO_TRY(co_await control_.remove(std::move(ctx), std::move(owner), pod));
  pending_.deleted(job->metadata.uid, *pod);
  co_return Unit{};
}

std::set<std::string> JobController::removed_of(const Job& job, const std::vector<pods::PodPtr>& there) {
  const auto it = removed_.find(job.metadata.uid);
  if (it == removed_.end()) return {};
  std::set<std::string> left;
  for (const pods::PodPtr& pod : there)
    if (it->second.contains(pod->metadata.uid)) left.insert(pod->metadata.uid);
  if (left.empty()) {
    removed_.erase(it);
  } else {
    it->second = left;
  }
  return left;
}

rt::Task<Result<Unit>> JobController::release(rt::Context ctx, pods::PodPtr pod) {
  std::string patch = release_patch_for(*pod);
  auto done =
      co_await deps_.client.patch<Pod>(std::move(ctx), pod->metadata.namespace_, pod->metadata.name, client::PatchType::Strategic, std::move(patch));
  if (!done && done.error().reason != Reason::NotFound && done.error().reason != Reason::Invalid && done.error().reason != Reason::Conflict)
    co_return Unexpected(std::move(done).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> JobController::release_all(rt::Context ctx, std::vector<pods::PodPtr> pods) {
  std::vector<rt::Task<Result<Unit>>> tasks;
  for (pods::PodPtr& pod : pods)
    if (has_tracking_finalizer(*pod)) tasks.push_back(release(ctx, std::move(pod)));
  auto results = co_await rt::when_all(std::move(tasks));
  for (auto& result : results)
    if (!result) co_return std::move(result);
  co_return Unit{};
}

// A pod whose Job is gone, or that no Job owns any more: nobody counts it.
rt::Task<Result<Unit>> JobController::release_orphan(rt::Context ctx, std::string key) {
  const pods::PodPtr pod = deps_.pods.get(key);
  if (pod == nullptr || !has_tracking_finalizer(*pod)) co_return Unit{};
  if (const auto* ref = rules::controller_of(pod->metadata)) {
    if (ref->kind != "Job") co_return Unit{};
    auto owner = co_await deps_.client.get<Job>(ctx, pod->metadata.namespace_, ref->name);
    if (owner && owner->metadata.uid == ref->uid) co_return Unit{};
    if (!owner && owner.error().reason != Reason::NotFound) co_return Unexpected(std::move(owner).error());
  }
  co_return co_await release(std::move(ctx), pod);
}

// The first failure; the status then says what is, not what was to be.
rt::Task<std::optional<Status>> JobController::change_pods(rt::Context ctx, JobPtr job, Plan& plan) {
  if (!plan.create.empty()) {
    std::function<rt::Task<Result<Unit>>(int)> attempt = [this, ctx, job, &plan](int i) {
      return create_one(ctx, job, plan.create[static_cast<std::size_t>(i)]);
    };
    auto outcome = co_await pods::slow_start(static_cast<int>(plan.create.size()), std::move(attempt));
    metrics_.pods_made(*job, plan, outcome.succeeded, outcome.failed);
    plan.status.active -= static_cast<int32_t>(plan.create.size()) - outcome.succeeded;
    co_return std::move(outcome.failure);
  }
  std::vector<rt::Task<Result<Unit>>> removals;
  for (const pods::PodPtr& pod : plan.remove) removals.push_back(remove_one(ctx, job, pod, plan.remove_uncounted));
  auto results = co_await rt::when_all(std::move(removals));
  std::optional<Status> failure;
  for (auto& result : results) {
    if (result) continue;
    ++plan.status.active;
    plan.status.terminating = *plan.status.terminating - 1;
    failure = std::move(result).error();
  }
  co_return failure;
}

rt::Task<Result<Unit>> JobController::write_status(rt::Context ctx, JobPtr job, Plan& plan) {
  if (!api::equal(api::type_of<JobStatus>(), &plan.status, &job->status) ||
      plan.status.uncounted_terminated_pods.has_value() != job->status.uncounted_terminated_pods.has_value()) {
    Job copy = *job;
    copy.status = plan.status;
    auto written = co_await deps_.client.update_status<Job>(std::move(ctx), std::move(copy));
    if (!written) co_return Unexpected(std::move(written).error());
    metrics_.status_changed(*job, job->status, plan.status);
    metrics_.failures_judged(plan);
    written_.remember(std::move(*written));
  }
  for (JobEvent& event : plan.events) {
    if (event.warning) {
      deps_.events.warning(*job, event.reason, std::move(event.message));
    } else {
      deps_.events.normal(*job, event.reason, std::move(event.message));
    }
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> JobController::sync(rt::Context ctx, std::string key) {
  JobPtr job = jobs_.get(key);
  if (job == nullptr) co_return Unit{};
  job = written_.newest(job);
  if (job->spec.managed_by && *job->spec.managed_by != "kubernetes.io/job-controller") co_return Unit{};
  auto pods = co_await claim_all(ctx, job);
  if (!pods) co_return Unexpected(std::move(pods).error());
  if (is_finished_job(*job)) co_return co_await release_all(std::move(ctx), std::move(*pods));
  if (pods::is_deleted(job->metadata)) co_return co_await release_all(std::move(ctx), std::move(*pods));
  const rt::TimePoint began = deps_.runtime.clock().now();
  std::string_view action = "reconciling";
  auto done = co_await work_on(std::move(ctx), job, std::move(*pods), action);
  metrics_.synced(*job, done.has_value(), action, deps_.runtime.clock().now() - began);
  co_return std::move(done);
}

rt::Task<Result<Unit>> JobController::work_on(rt::Context ctx, JobPtr job, std::vector<pods::PodPtr> pods, std::string_view& action) {
  const std::set<std::string> removed = removed_of(*job, pods);
  Observed observed{*job, pods, removed, deps_.runtime.clock().wall_now()};
  CO_TRY_ASSIGN(Plan plan, contained([&] { return plan_job(observed); }));
  action = !plan.create.empty() ? "pods_created" : !plan.remove.empty() ? "pods_deleted" : "tracking";
  auto failure = co_await change_pods(ctx, job, plan);
  auto written = co_await write_status(ctx, job, plan);
  if (!written) {
    if (written.error().reason == Reason::NotFound) co_return Unit{};
    co_return std::move(written);
  }
  CO_TRY(co_await release_all(ctx, std::move(plan.release)));
  if (plan.look_again) loop_.queue().add_after(client::object_key(job->metadata.namespace_, job->metadata.name), *plan.look_again);
  if (failure && !pods::is_namespace_terminating(*failure)) co_return Unexpected(std::move(*failure));
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_job_controller(ControllerDeps deps) { return std::make_unique<JobController>(std::move(deps)); }

}  // namespace pintle::controller::job

#include "kubelet/pods/pod_worker.h"

#include <algorithm>

#include "component/log.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/runtime/observe.h"
#include "rt/backoff.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::kubelet::pods {

using namespace api::core_v1;
namespace log = component::log;

namespace {

constexpr rt::BackoffOptions cleanup_retry{.initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(30)};
constexpr rt::Duration kill_retry_after = std::chrono::seconds(2);

}  // namespace

PodWorker::PodWorker(PodWorkerDeps& deps, PodPtr pod, PodState adopted)
    : deps_(deps),
      pod_(std::move(pod)),
      status_(pod_->status),
      backoffs_(std::min(deps.crash_backoff_initial, deps.crash_backoff_max), deps.crash_backoff_max) {
  // A kubelet before this one may have removed them and not said so.
  const PodCondition* restarting = rules::find_condition(status_.conditions, "AllContainersRestarting");
  restarted_all_ = deps.restart_all && restarting && restarting->status == "True";
  state_.uid = adopted.uid.empty() ? pod_->metadata.uid : adopted.uid;
}

// A resize that does not fit leaves the pod with the resources that it has.
void PodWorker::update(PodPtr pod) {
  const bool new_spec = pod->metadata.generation != pod_->metadata.generation;
  resize_.wanted = nullptr;
  resize_.pending.reset();
  if (deps_.admit_resize && phase_ == WorkerPhase::Syncing && runtime::resources_differ(pod_->spec, pod->spec)) {
    if (!deps_.resize_pod_level && runtime::pod_levels_differ(pod_->spec, pod->spec))
      resize_.pending = WaitingReason{"Infeasible", "InPlacePodLevelResourcesVerticalScaling is disabled"};
    else
      resize_.pending = deps_.admit_resize(*pod);
    if (resize_.pending) {
      resize_.wanted = pod;
      auto kept = std::make_shared<Pod>(*pod);
      runtime::keep_resources(pod_->spec, kept->spec);
      pod = std::move(kept);
    }
  }
  pod_ = std::move(pod);
  if (deps_.objects && new_spec) deps_.objects->add_pod(*pod_);
  if (new_spec) retries_.clear();
  if (deps_.volumes.mounted(pod_->metadata.uid)) deps_.volumes.update(pod_);
  wake();
}

void PodWorker::retry_resize() {
  if (const PodPtr wanted = resize_.wanted; wanted && resize_.pending && resize_.pending->reason == "Deferred") update(wanted);
}

void PodWorker::remove() {
  removed_ = true;
  wake();
}

void PodWorker::end(PodEnd end) {
  if (!end_) end_ = std::move(end);
  wake();
}

void PodWorker::reject(std::string reason, std::string message) {
  deps_.events.warning(*pod_, "", reason, message);
  PodEnd rejected;
  rejected.reason = std::move(reason);
  rejected.message = "Pod was rejected: " + message;
  rejected.rejected = true;
  end(std::move(rejected));
}

void PodWorker::wake() {
  if (phase_ == WorkerPhase::Syncing && ending()) pass_.cancel();
  wake_.set();
}

void PodWorker::expect_end(const std::string& container_id) {
  lagging_[container_id] = 0;
  wake();
}

void PodWorker::objects_changed() {
  std::erase_if(retries_, [](const auto& entry) { return entry.second.on_change; });
  wake();
}

bool PodWorker::active() const {
  if (removed_ || terminated()) return false;
  const bool rejected = end_ && end_->rejected;
  return !(rejected || rules::is_terminal(*pod_)) || state_.any_running();
}

PhaseInputs PodWorker::with_reasons(PhaseInputs found) const {
  found.removed = removed_;
  found.deleted = pod_->metadata.deletion_timestamp.has_value();
  found.ended = end_.has_value();
  found.terminal = rules::is_terminal_phase(status_.phase);
  return found;
}

void PodWorker::advance(PhaseInputs found) { phase_ = next_phase(phase_, with_reasons(found)); }

void PodWorker::end_past_deadline() {
  if (!pod_->spec.active_deadline_seconds || !status_.start_time) return;
  const auto now = std::chrono::floor<std::chrono::seconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
  if (now - status_.start_time->seconds < *pod_->spec.active_deadline_seconds) return;
  PodEnd end;
  end.reason = "DeadlineExceeded";
  end.message = "Pod was active on the node longer than the specified deadline";
  deps_.events.normal(*pod_, "", end.reason, end.message);
  end_ = std::move(end);
}

rt::Task<bool> PodWorker::run(rt::Context ctx) {
  if (deps_.objects) deps_.objects->add_pod(*pod_);
  co_await allocate(ctx);
  co_await sync(ctx);
  if (!ctx.done()) co_await terminate(ctx);
  if (!ctx.done()) co_await tear_down(ctx);
  if (!ctx.done()) co_await let_go(ctx);
  co_return !ctx.done();
}

rt::Task<bool> PodWorker::starts_again(rt::Context ctx) {
  bool seen = false;
  while (!seen && !ctx.done()) {
    seen = co_await observe(ctx);
    if (!seen) (void)co_await rt::sleep_for(ctx, observe_retry_after);
  }
  if (!seen || state_.any_running()) co_return false;
  const runtime::PodPlan todo = plan();
  co_return todo.create_sandbox || !todo.start.empty() || !todo.wait.empty();
}

rt::Task<void> PodWorker::allocate(rt::Context ctx) {
  if (!deps_.allocator || ending() || !deps_.allocator->wants(*pod_)) co_return;
  pass_ = ctx.child();
  const PodPtr pod = pod_;
  // A static pod is fresh to each life of the kubelet: what it was given says that it is not.
  if (!fresh() || deps_.allocator->has(pod->metadata.uid)) {
    const bool again = co_await starts_again(pass_);
    if (!again) co_return;  // what runs has what it was given
    co_await deps_.allocator->wait_for_plugins(pass_, pod);
  }
  const auto given = co_await deps_.allocator->allocate(pass_, pod);
  if (!given && !pass_.done()) reject(given.error().reason, given.error().message);
}

// The volumes of a pod that an earlier life of the kubelet started: they are there, and are followed from now on.
rt::Task<void> PodWorker::adopt_volumes(rt::Context ctx) { (void)co_await deps_.volumes.prepare(std::move(ctx), pod_); }

rt::Task<void> PodWorker::sync(rt::Context ctx) {
  rt::TaskGroup adopting;
  bool adopted = false;
  while (!ctx.done()) {
    if (!ending()) end_past_deadline();
    advance({});
    if (phase_ != WorkerPhase::Syncing) break;
    wake_.reset();
    const bool seen = co_await observe(ctx);
    if (!seen) {
      co_await wait(ctx, deps_.runtime.clock().now() + observe_retry_after);
      continue;
    }
    note_applied();
    const bool resized = co_await resize(ctx);
    if (!resized) continue;
    follow_probes();
    if (!adopted && state_.any_running() && !deps_.volumes.mounted(pod_->metadata.uid)) {
      adopted = true;
      adopting.spawn(adopt_volumes(adopting.context()));
    }
    runtime::PodPlan todo = plan();
    note_waits(todo);
    publish();
    const runtime::PodPlan full = todo;
    drop_unready(todo);
    if (!todo.idle()) {
      pass_ = ctx.child();
      if (ending()) continue;
      const bool last = todo.ends_pod();
      co_await apply(pass_, std::move(todo));
      if (last && !pass_.done()) advance({.completed = true});
      continue;
    }
    if (full.idle() && full.wait.empty() && !state_.any_running() && !state_.containers.empty()) {
      advance({.completed = true});
      break;
    }
    co_await deps_.pods.collect_garbage(ctx, state_, pod_->metadata.namespace_, pod_->metadata.name);
    co_await wait(ctx, next_look(full));
  }
  co_await adopting.close();
}

// The seconds that containers get: the shortest of what anybody said.
std::optional<int64_t> PodWorker::kill_grace() const {
  std::optional<int64_t> grace;
  if (end_ && end_->grace_seconds) grace = end_->grace_seconds;
  if (pod_->metadata.deletion_grace_period_seconds) {
    // A forced deletion still gives a second.
    const int64_t said = std::max<int64_t>(1, *pod_->metadata.deletion_grace_period_seconds);
    grace = grace ? std::min(*grace, said) : said;
  }
  return grace;
}

// While containers are being stopped: their states are told, and a shorter grace period than the one they were given starts anew.
rt::Task<void> PodWorker::follow_kill(rt::Context ctx, rt::Context killing, std::optional<int64_t> grace_seconds) {
  while (!ctx.done()) {
    (void)co_await wake_.wait(ctx);
    if (ctx.done()) co_return;
    wake_.reset();
    if (kill_grace() && kill_grace() != grace_seconds) {
      killing.cancel();
      co_return;
    }
    const bool seen = co_await observe(ctx);
    if (!seen) continue;
    follow_probes();
    publish();
  }
}

rt::Task<void> PodWorker::terminate(rt::Context ctx) {
  waiting_.clear();
  deps_.probes.terminate_pod(pod_->metadata.uid);
  while (!ctx.done()) {
    wake_.reset();
    const bool seen = co_await observe(ctx);
    const bool ready = std::any_of(state_.sandboxes.begin(), state_.sandboxes.end(), [](const auto& s) { return s.ready; });
    advance({.stopped = seen && !ready && runtime::kill_order(*pod_, state_).empty()});
    if (phase_ != WorkerPhase::Terminating) co_return;
    if (!seen) {
      co_await wait(ctx, deps_.runtime.clock().now() + observe_retry_after);
      continue;
    }
    publish();
    const auto grace = kill_grace();
    const rt::Context killing = ctx.child();
    rt::TaskGroup following;
    following.spawn(follow_kill(following.context(), killing, grace));
    const auto killed = co_await deps_.pods.kill_pod(killing, pod_, state_, grace);
    co_await following.close();
    if (!killed && !killing.done()) co_await wait(ctx, deps_.runtime.clock().now() + kill_retry_after);
  }
}

rt::Task<void> PodWorker::unprepare_claims(rt::Context ctx) {
  rt::Backoff backoff(cleanup_retry);
  while (deps_.claims && !ctx.done()) {
    const uint64_t seen = deps_.claims->drivers().value();
    const auto taken = co_await deps_.claims->unprepare(ctx, pod_->metadata.uid);
    if (taken || ctx.done()) co_return;
    log::info(1, "Taking back a pod's claims failed", {{"pod", format_pod(*pod_)}, {"err", taken.error().message}});
    const rt::Context pause = ctx.with_timeout(backoff.next(deps_.runtime.random()));
    (void)co_await deps_.claims->drivers().wait(pause, seen + 1);
  }
}

// Volumes and cgroup go when nothing runs any more.
rt::Task<void> PodWorker::tear_down(rt::Context ctx) {
  co_await unprepare_claims(ctx);
  if (ctx.done()) co_return;
  follow_probes();
  publish();
  rt::Backoff backoff(cleanup_retry);
  const std::string uid = pod_->metadata.uid;
  if (deps_.allocator) deps_.allocator->release(uid);
  while (!ctx.done()) {
    auto torn = co_await deps_.volumes.tear_down(ctx, uid);
    if (torn && deps_.cgroups) {
      co_await deps_.runtime.run_blocking([&] { torn = deps_.cgroups->remove(uid); });
    }
    if (torn) break;
    log::info(1, "Cleaning up after a pod failed", {{"pod", format_pod(*pod_)}, {"err", torn.error().message}});
    (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
  }
  if (ctx.done()) co_return;
  advance({.torn_down = true});
  if (deps_.observed) deps_.observed(uid, state_);
}

rt::Task<void> PodWorker::let_go(rt::Context ctx) {
  while (!removed_ && !ctx.done()) {
    wake_.reset();
    if (pod_->metadata.deletion_timestamp && !is_static_pod(*pod_)) co_await delete_from_api(ctx);
    if (!removed_) (void)co_await wake_.wait(ctx);
  }
  co_await remove_from_runtime(ctx);
  deps_.images.forget(pod_->metadata.uid);
  if (deps_.objects) deps_.objects->remove_pod(pod_->metadata.uid);
  deps_.statuses.forget(pod_->metadata.uid);
}

rt::Task<void> PodWorker::remove_from_runtime(rt::Context ctx) {
  rt::Backoff backoff(cleanup_retry);
  while (!ctx.done()) {
    const bool seen = co_await observe(ctx);
    if (seen) {
      const auto removed = co_await deps_.pods.remove_pod(ctx, state_, pod_->metadata.namespace_, pod_->metadata.name);
      if (removed) co_return;
      log::info(1, "Removing a pod from the runtime failed", {{"pod", format_pod(*pod_)}, {"err", removed.error().message}});
    }
    (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
  }
}

// The API keeps a pod that is being deleted until its kubelet says that it has ended.
rt::Task<void> PodWorker::delete_from_api(rt::Context ctx) {
  if (!deps_.client) co_return;
  rt::Backoff backoff(cleanup_retry);
  while (!removed_ && !ctx.done()) {
    const auto flushed = co_await deps_.statuses.flush(ctx, pod_->metadata.uid);
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.precondition_uid = pod_->metadata.uid;
    const auto deleted = co_await deps_.client->remove<Pod>(ctx, pod_->metadata.namespace_, pod_->metadata.name, options);
    if (flushed && (deleted || deleted.error().reason == Reason::NotFound || deleted.error().reason == Reason::Conflict)) co_return;
    (void)co_await rt::sleep_for(ctx, backoff.next(deps_.runtime.random()));
  }
}

}  // namespace pintle::kubelet::pods

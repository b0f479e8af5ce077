// One pass over a pod: look, plan, say, do.
#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/runtime/observe.h"
#include "kubelet/runtime/restart_policy.h"
#include "kubelet/status/conditions.h"
#include "kubelet/status/container_status.h"
#include "rt/far_time.h"

namespace pintle::kubelet::pods {

using namespace api::core_v1;
namespace log = component::log;

namespace {

constexpr rt::Duration retry_after = std::chrono::seconds(10);       // what failed is tried again
constexpr rt::Duration retry_after_pull = std::chrono::seconds(2);   // then it is seen to back off
constexpr rt::Duration prepare_timeout = std::chrono::seconds(123);  // upstream's 2m3s
constexpr rt::Duration lag_first_look = std::chrono::milliseconds(10);
constexpr int lag_doublings_max = 9;  // then each five seconds: a busy runtime takes minutes

const ContainerStatus* status_of(const PodStatus& status, std::string_view name) {
  for (const auto* list : {&status.container_statuses, &status.init_container_statuses}) {
    for (const auto& one : *list) {
      if (one.name == name) return &one;
    }
  }
  return nullptr;
}

}  // namespace

rt::Task<bool> PodWorker::observe(rt::Context ctx) {
  Result<std::string> runtime_name;
  if (deps_.runtime_name) runtime_name = co_await deps_.runtime_name(ctx);
  auto seen = co_await runtime::observe_pod(deps_.cri, ctx, pod_->metadata.uid, state_);
  if (seen && !runtime_name) seen = Unexpected(runtime_name.error());
  if (!seen) {
    if (!ctx.done()) log::info(1, "Looking at a pod in the runtime failed", {{"pod", format_pod(*pod_)}, {"err", seen.error().message}});
    co_return false;
  }
  state_ = std::move(*seen);
  state_.runtime_name = std::move(*runtime_name);
  for (auto& [id, looks] : lagging_) ++looks;
  std::erase_if(lagging_, [this](const auto& entry) {
    const bool runs = std::any_of(state_.containers.begin(), state_.containers.end(),
                                  [&](const auto& c) { return c.id == entry.first && c.phase == ContainerPhase::Running; }) ||
                      std::any_of(state_.sandboxes.begin(), state_.sandboxes.end(), [&](const auto& s) { return s.id == entry.first && s.ready; });
    return !runs;
  });
  if (deps_.observed) deps_.observed(pod_->metadata.uid, state_);
  co_return true;
}

probes::ProbeState PodWorker::probe_state(const std::string& id) const { return deps_.probes.state(id); }

void PodWorker::follow_probes() {
  std::set<std::string> running;
  const auto follow = [&](const Container& container) {
    if (!container.liveness_probe && !container.readiness_probe && !container.startup_probe) return;
    const RuntimeContainer* active = state_.active(container.name);
    if (!active || active->phase != ContainerPhase::Running) return;
    running.insert(active->id);
    if (phase_ != WorkerPhase::Syncing || probed_.contains(active->id)) return;
    probes::ProbedContainer probed;
    probed.pod = pod_;
    probed.container = container.name;
    probed.container_id = active->id;
    probed.started_at = active->started_at;
    if (pod_->spec.host_network) {
      const auto ips = deps_.node_ips();
      if (!ips.empty()) probed.pod_ip = ips.front();
    } else if (!state_.sandbox()->ips.empty()) {
      probed.pod_ip = state_.sandbox()->ips.front();
    }
    const ContainerStatus* said = status_of(status_, container.name);
    probed.was_ready = said && said->ready && said->container_id.ends_with(active->id);
    deps_.probes.start(std::move(probed));
  };
  for (const auto& container : pod_->spec.init_containers) follow(container);
  for (const auto& container : pod_->spec.containers) follow(container);
  for (const auto& id : probed_) {
    if (!running.contains(id)) deps_.probes.stop(id);
  }
  probed_ = std::move(running);
}

runtime::PodPlan PodWorker::plan() {
  runtime::PlanInputs inputs{*pod_, state_, [this](const std::string& id) { return probe_state(id); }, backoffs_, deps_.runtime.clock().wall_now()};
  inputs.restart_all = deps_.restart_all;
  inputs.status = &status_;
  runtime::PodPlan out = runtime::plan_pod(inputs);
  restarts_all_ = out.restarts_all;
  return out;
}

// What waits for a retry is left out.
void PodWorker::drop_unready(runtime::PodPlan& plan) {
  const auto now = deps_.runtime.clock().now();
  const auto waits = [&](const std::string& what) {
    const auto found = retries_.find(what);
    return found != retries_.end() && found->second.at > now;
  };
  std::erase_if(plan.start, [&](const runtime::ContainerStart& start) { return waits(start.name); });
  if (waits(sandbox_retry)) {
    plan.start.clear();
    if (plan.create_sandbox) plan.create_sandbox = plan.kill_pod = false;
  }
}

void PodWorker::note_waits(const runtime::PodPlan& plan) {
  for (const auto& wait : plan.wait) {
    const std::string delay = api::format_duration(api::Duration{wait.delay.count()});
    waiting_[wait.name] = {"CrashLoopBackOff", fmt::format("back-off {} restarting failed container={} pod={}", delay, wait.name, format_pod(*pod_))};
    const RuntimeContainer* latest = state_.latest(wait.name);
    if (latest && reported_backoff_.insert(latest->id).second) {
      deps_.events.warning(*pod_, wait.name, "BackOff",
                           fmt::format("Back-off restarting failed container {} in pod {}", wait.name, format_pod(*pod_)));
    }
  }
}

void PodWorker::failed(const std::string& what, const WaitingReason& reason) {
  const auto now = deps_.runtime.clock().now();
  Retry retry;
  retry.at = now + (reason.reason == "ErrImagePull" ? retry_after_pull : retry_after);
  retry.on_change = reason.reason == "CreateContainerConfigError";
  if (reason.reason == "ImagePullBackOff") {
    const auto container = container_config::find_container(pod_->spec, what);
    const auto until = container ? deps_.images.retry_at(pod_->metadata.uid, container->image) : std::nullopt;
    if (until) retry.at = *until;
  }
  if (reason.reason == "RunContainerError" || reason.reason == "PostStartHookError") retry.at = now;  // the crash loop's back-off rules
  retries_[what] = retry;
}

rt::Task<bool> PodWorker::prepare(rt::Context ctx) {
  if (deps_.cgroups) {
    Result<Unit> made = Unit{};
    const PodPtr pod = pod_;  // update() may put another in its place meanwhile
    co_await deps_.runtime.run_blocking([&] { made = deps_.cgroups->apply(*pod); });
    if (!made) {
      deps_.events.warning(*pod_, "", "FailedCreatePodContainer", "unable to ensure pod container exists: " + made.error().message);
      failed(sandbox_retry, {"", ""});
      co_return false;
    }
  }
  const rt::Context bounded = ctx.with_timeout(prepare_timeout);
  const auto ready = co_await deps_.volumes.prepare(bounded, pod_);
  if (ready) co_return true;
  failed(sandbox_retry, {"", ""});
  if (!ctx.done()) deps_.events.warning(*pod_, "", "FailedMount", "Unable to attach or mount volumes: " + ready.error().message);
  co_return false;
}

rt::Task<bool> PodWorker::prepare_claims(rt::Context ctx) {
  awaits_drivers_ = false;
  if (!deps_.claims) co_return true;
  const PodPtr pod = pod_;
  const auto ready = co_await deps_.claims->prepare(ctx, pod);
  if (ready) co_return true;
  if (ctx.done()) co_return false;
  deps_.events.warning(*pod, "", "FailedPrepareDynamicResources", "Failed to prepare dynamic resources: " + ready.error().message);
  failed(sandbox_retry, {"", ""});
  retries_[sandbox_retry].on_change = awaits_drivers_ = true;
  co_return false;
}

// Ends and removes containers, so that all of the pod begin anew. One that fails is tried again, with those after it.
rt::Task<void> PodWorker::reset(rt::Context ctx, std::vector<runtime::ContainerReset> resets) {
  restarted_all_ = true;
  waiting_.clear();
  for (const auto& one : resets) {
    runtime::KillRequest request;
    request.pod = pod_;
    request.message = "killing";  // upstream's word
    request.grace_seconds = 0;
    for (const auto& container : state_.containers) {
      if (container.id == one.id) request.container = container;
    }
    const auto container = container_config::find_container(pod_->spec, one.name);
    if (one.source && container)
      backoffs_.next(runtime::CrashBackoffs::key(one.name, container_config::container_hash(*container)), deps_.runtime.clock().wall_now());
    const RuntimeContainer* latest = state_.latest(one.name);
    const bool newest = latest && latest->id == one.id;
    const auto gone = co_await deps_.pods.reset_container(ctx, std::move(request), one.kill, newest);
    if (ctx.done()) co_return;
    if (gone) continue;
    log::info(1, "Removing a container for a new start of its pod failed", {{"pod", format_pod(*pod_)}, {"err", gone.error().message}});
    (void)co_await rt::sleep_for(ctx, observe_retry_after);
    co_return;
  }
}

rt::Task<void> PodWorker::apply(rt::Context ctx, runtime::PodPlan plan) {
  if (!plan.reset.empty()) {
    co_await reset(ctx, std::move(plan.reset));
    co_return;
  }
  if (plan.kill_pod) {
    if (plan.create_sandbox) deps_.events.normal(*pod_, "", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    (void)co_await deps_.pods.kill_pod(ctx, pod_, state_, std::nullopt);
    if (plan.ends_pod()) co_return;
  }
  for (auto& kill : plan.kill) {
    runtime::KillRequest request;
    request.pod = pod_;
    request.reason = kill.reason;
    request.message = kill.message;
    for (const auto& container : state_.containers) {
      if (container.id == kill.id) request.container = container;
    }
    request.sandbox_ips = state_.ips_of(request.container);
    (void)co_await deps_.pods.kill_container(ctx, std::move(request));
    if (ctx.done()) co_return;
  }
  // A container that was killed is started by the next pass, which knows how it ended.
  if (!plan.kill.empty()) co_return;
  const bool prepared = co_await prepare(ctx);
  if (!prepared || ctx.done()) co_return;
  if (plan.create_sandbox) {
    const bool given = co_await prepare_claims(ctx);
    if (!given || ctx.done()) co_return;
    const auto made = co_await deps_.pods.create_sandbox(ctx, pod_, plan.sandbox_attempt);
    if (made)
      retries_.erase(sandbox_retry);
    else if (!ctx.done())
      failed(sandbox_retry, {"", ""});
    co_return;  // the next pass sees it, with its addresses
  }
  for (auto& start : plan.start) {
    co_await start_one(ctx, std::move(start));
    if (ctx.done()) co_return;
  }
}

rt::Task<void> PodWorker::start_one(rt::Context ctx, runtime::ContainerStart start) {
  const SandboxState* sandbox = state_.sandbox();
  if (!sandbox) co_return;
  const auto container = container_config::find_container(pod_->spec, start.name);
  const RuntimeContainer* latest = state_.latest(start.name);
  const std::string name = start.name;
  if (container && latest && latest->phase == ContainerPhase::Exited)
    backoffs_.next(runtime::CrashBackoffs::key(name, container_config::container_hash(*container)), deps_.runtime.clock().wall_now());
  runtime::StartRequest request;
  request.pod = pod_;
  request.sandbox_id = sandbox->id;
  request.sandbox_attempt = sandbox->attempt;
  request.sandbox_ips = sandbox->ips;
  for (const auto& ephemeral : pod_->spec.ephemeral_containers) {
    if (ephemeral.name != name || ephemeral.target_container_name.empty()) continue;
    const RuntimeContainer* target = state_.active(ephemeral.target_container_name);
    if (target) request.target_container_id = target->id;
  }
  request.start = std::move(start);
  auto started = co_await deps_.pods.start_container(ctx, std::move(request));
  if (ctx.done()) co_return;
  if (started) {
    waiting_.erase(name);
    retries_.erase(name);
  } else {
    failed(name, started.error());
    waiting_[name] = std::move(started).error();
  }
}

void PodWorker::publish() {
  if (removed_) return;  // nobody asks any more
  status::StatusInputs inputs{*pod_, status_, state_, [this](const std::string& id) { return probe_state(id); }};
  inputs.waiting = waiting_;
  inputs.node_ips = deps_.node_ips();
  inputs.terminating = phase_ != WorkerPhase::Syncing;
  inputs.terminated = terminated();
  inputs.now = deps_.runtime.clock().wall_now();
  inputs.applied_resources = applied_.containers;
  if (deps_.cgroups) inputs.cgroup = deps_.cgroups->limits_of(*pod_);
  if (deps_.restart_all && runtime::can_restart_all(pod_->spec)) inputs.restarts_all = restarts_all_;
  inputs.restarted_all = std::exchange(restarted_all_, false);
  inputs.resize_pending = resize_.pending;
  inputs.resize_in_progress = resize_.in_progress;
  if (end_ && terminated()) {
    inputs.failed_reason = end_->reason;
    inputs.failed_message = end_->message;
  }
  status_ = status::generate_status(inputs);
  if (deps_.devices && deps_.device_health) deps_.devices->write_health(pod_->metadata.uid, status_);
  if (deps_.claims && deps_.device_health) deps_.claims->write_health(*pod_, status_);
  if (end_ && end_->condition) status::set_condition(status_, *end_->condition, inputs.now);
  deps_.statuses.set(pod_, status_);
}

std::optional<rt::TimePoint> PodWorker::next_look(const runtime::PodPlan& plan) const {
  const auto now = deps_.runtime.clock().now();
  const auto wall = deps_.runtime.clock().wall_now();
  std::optional<rt::TimePoint> next;
  const auto consider = [&next](rt::TimePoint at) { next = next ? std::min(*next, at) : at; };
  for (const auto& wait : plan.wait) consider(now + (wait.until - wall));
  for (const auto& [what, retry] : retries_) {
    const bool planned = std::any_of(plan.start.begin(), plan.start.end(), [&](const auto& start) { return start.name == what; });
    if ((planned || what == sandbox_retry || what == resize_retry) && retry.at > now) consider(retry.at);
  }
  for (const auto& [id, looks] : lagging_) consider(now + lag_first_look * (1 << std::min(looks, lag_doublings_max)));
  if (pod_->spec.active_deadline_seconds && status_.start_time) {
    const auto deadline = rt::wall_time_of(status_.start_time->seconds) + rt::seconds_of(*pod_->spec.active_deadline_seconds);
    consider(now + (deadline - wall));
  }
  return next;
}

rt::Task<void> PodWorker::wait(rt::Context ctx, std::optional<rt::TimePoint> until) {
  const rt::Context bounded = until ? ctx.with_deadline(*until) : ctx;
  (void)co_await wake_.wait(bounded);
}

}  // namespace pintle::kubelet::pods

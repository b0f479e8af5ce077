// Binding cycles: what happens to a pod after its node is decided, and after it could not be.
#include <algorithm>

#include "api/values.h"
#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "rules/conditions.h"
#include "scheduler/core.h"
#include "scheduler/framework/pod_status.h"

namespace pintle::scheduler {

namespace log = component::log;

namespace {

constexpr std::string_view pod_scheduled = "PodScheduled";

// What of a pod's status changes: PodScheduled is false, and the nominated node if that is another; null: the pod says
// so already. `was_nominated`: to whatever node, even if `pod` does not say so yet.
codec::Value status_change(const Pod& pod, std::string_view reason, const std::string& message, const std::optional<std::string>& nominated_node,
                           bool was_nominated, rt::WallTime now) {
  const auto* old = rules::find_condition(pod.status.conditions, pod_scheduled);
  const bool told = old != nullptr && old->status == "False" && old->reason == reason && old->message == message &&
                    old->observed_generation == pod.metadata.generation;
  const bool nominated = nominated_node && (was_nominated || *nominated_node != pod.status.nominated_node_name);
  codec::Value status;
  if (!told) {
    codec::Value condition;
    condition["type"] = pod_scheduled;
    condition["status"] = "False";
    condition["reason"] = reason;
    condition["message"] = message;
    if (pod.metadata.generation != 0) condition["observedGeneration"] = pod.metadata.generation;
    condition["lastProbeTime"] = nullptr;
    const bool was_false = old != nullptr && old->status == "False";
    condition["lastTransitionTime"] = api::format_time(was_false ? old->last_transition_time : apimachinery::to_api_time(now));
    status["conditions"] = codec::Value::Array{std::move(condition)};
  }
  if (nominated) status["nominatedNodeName"] = nominated_node->empty() ? codec::Value() : codec::Value(*nominated_node);
  return status;
}

std::string attempts_label(int attempts) { return attempts >= 15 ? "15+" : std::to_string(attempts); }

}  // namespace

void Core::count(const Member& member, const char* result, rt::TimePoint start) {
  metrics_.schedule_attempts.with({member.profile->scheduler_name, result}).add();
  metrics_.attempt_duration.with({member.profile->scheduler_name, result}).observe(seconds(clock_.now() - start));
}

rt::Task<PluginStatus> Core::bind_cycle(rt::Context ctx, Binding* binding) {
  const Profile& profile = *binding->member->profile;
  const auto has_work = [binding](const auto& placed) { return placed.plugin->has_work(binding->state); };
  if (expects_nominations_ && std::ranges::any_of(profile.pre_bind, has_work)) co_await nominate(ctx, binding);
  for (const auto& placed : profile.pre_bind) {
    PluginStatus status = co_await placed.plugin->pre_bind(ctx, binding->state, binding->pod, binding->node, binding->place);
    if (status.ok()) continue;
    if (!is_rejected(status.code)) status.reasons = {"running PreBind plugin \"" + std::string(placed.name) + "\": " + status.message()};
    status.plugin = placed.index;
    co_return status;
  }
  if (extenders::Extender* extender = extenders_ ? extenders_->binder(*binding->pod->pod) : nullptr) {
    auto done = co_await extender->bind(ctx, binding->pod->pod, binding->node);
    if (done) co_return PluginStatus();
    co_return PluginStatus::failure(done.error());
  }
  for (const auto& placed : profile.bind) {
    PluginStatus status = co_await placed.plugin->bind(ctx, binding->state, binding->pod, binding->node);
    if (status.code == Code::Skip) continue;
    if (status.code == Code::Error) status.reasons = {"running Bind plugin \"" + std::string(placed.name) + "\": " + status.message()};
    status.plugin = placed.index;
    co_return status;
  }
  co_return PluginStatus::of(Code::Error, "no bind plugin takes the pod");
}

// Tells whoever makes nodes that this one will be used. The binding goes on if that fails.
rt::Task<void> Core::nominate(rt::Context ctx, Binding* binding) {
  const PodPtr& pod = binding->pod->pod;
  if (pod->status.nominated_node_name == binding->node) co_return;
  codec::Value status;
  status["nominatedNodeName"] = binding->node;
  binding->nominated = true;
  auto patched = co_await patch_status(client_, ctx, pod, std::move(status));
  if (!patched && patched.error().reason != Reason::NotFound && !ctx.done())
    log::error("A pod's node was not told of before its binding", patched.error(), {{"pod", pod_key(*pod)}, {"node", binding->node}});
}

rt::Task<void> Core::bind(std::unique_ptr<Binding> binding) {
  if (const auto writing = condition_writes_.find(binding->pod->uid()); writing != condition_writes_.end()) {
    writing->second.next.reset();  // it is out of date
    const std::shared_ptr<rt::Event> written = writing->second.written;
    (void)co_await written->wait(binding->ctx);
  }
  const PluginStatus status = co_await bind_cycle(binding->ctx, binding.get());
  bindings_.erase(binding->pod->uid());
  if (status.ok())
    bound(*binding);
  else
    give_up(*binding, status);
  tell_bindings();
}

void Core::tell_bindings() { binding_tasks_.set(static_cast<double>(bindings_.size())); }

void Core::bound(Binding& binding) {
  const Pod& pod = *binding.pod->pod;
  if (const queue::QueuedPod* queued = queue_.find(binding.pod->uid())) {
    metrics_.attempts.with({}).observe(queued->attempts);
    if (queued->first_attempt_at)
      metrics_.sli_duration.with({attempts_label(queued->attempts)}).observe(seconds(clock_.now() - *queued->first_attempt_at));
  }
  queue_.done(binding.pod->uid());
  count(*binding.member, "scheduled", binding.start);
  log::info(2, "Bound", {{"pod", pod_key(pod)}, {"node", binding.node}});
  binding.member->events->normal(
      {client::reference_to(pod), {}, "Scheduled", "Binding", "Successfully assigned " + pod_key(pod) + " to " + binding.node});
  for (const auto& placed : binding.member->profile->post_bind) placed.plugin->post_bind(binding.state, *binding.pod, binding.node);
}

// The node is not taken after all: what was reserved is free again, and other pods may want it.
void Core::give_up(Binding& binding, const PluginStatus& status) {
  const auto& reserve = binding.member->profile->reserve;
  for (auto placed = reserve.rbegin(); placed != reserve.rend(); ++placed) placed->plugin->unreserve(binding.state, *binding.pod, binding.node);
  cache_.forget(binding.pod->uid());
  Failure failure;
  failure.rejected = is_rejected(status.code);
  failure.nominated_node = "";
  failure.was_nominated = binding.nominated;
  failure.message = status.message();
  if (failure.rejected) {
    Diagnosis diagnosis;
    diagnosis.node_count = 1;
    diagnosis.absent_reason = status.message();
    diagnosis.reject(status.plugin, status.code);
    failure.message = diagnosis.message();
    failure.unschedulable_plugins = diagnosis.unschedulable_plugins;
    failure.pending_plugins = diagnosis.pending_plugins;
  }
  fail(binding.pod, *binding.member, std::move(failure), binding.start);
  tell_gone(binding.pod->pod, binding.node);
}

void Core::fail(const PodInfoPtr& pod, const Member& member, Failure failure, rt::TimePoint start) {
  const queue::QueuedPod* queued = queue_.find(pod->uid());
  if (queued == nullptr || queued->gone) return queue_.done(pod->uid());
  count(member, failure.rejected ? "unschedulable" : "error", start);
  if (failure.rejected)
    log::info(2, "No node fits", {{"pod", pod_key(*pod->pod)}, {"err", failure.message}});
  else if (!tasks_.context().done())
    log::error("A pod was not scheduled for an error", {{"pod", pod_key(*pod->pod)}, {"err", failure.message}});

  const PodInfoPtr info = queued->info;  // its newest state
  const PodPtr newest = info->pod;
  const std::string nominated = failure.nominated_node ? *failure.nominated_node : newest->status.nominated_node_name;
  nominator_.add(info, nominated);
  queue_.requeue(pod->uid(), info, failure.unschedulable_plugins, failure.pending_plugins);

  member.events->warning({client::reference_to(*newest), {}, "FailedScheduling", "Scheduling", failure.message});
  ConditionWrite write;
  write.pod = newest;
  write.rejected = failure.rejected;
  write.message = std::move(failure.message);
  write.nominated_node = std::move(failure.nominated_node);
  write.was_nominated = failure.was_nominated;
  tell_condition(std::move(write));
}

void Core::tell_condition(ConditionWrite write) {
  const std::string uid = write.pod->metadata.uid;
  const auto [at, idle] = condition_writes_.try_emplace(uid);
  ConditionWrites& writes = at->second;
  if (idle) {
    writes.written = std::make_shared<rt::Event>();
    return tasks_.spawn(write_conditions(uid, std::move(write)));
  }
  if (writes.next && !write.nominated_node) write.nominated_node = std::move(writes.next->nominated_node);
  write.was_nominated = true;  // what the one under way says is not in the pod's object yet
  writes.next = std::move(write);
}

rt::Task<void> Core::write_conditions(std::string uid, ConditionWrite write) {
  while (true) {
    co_await patch_condition(&write);
    ConditionWrites& writes = condition_writes_.at(uid);
    if (!writes.next) break;
    write = std::move(*writes.next);
    writes.next.reset();
  }
  condition_writes_.extract(uid).mapped().written->set();
}

rt::Task<void> Core::patch_condition(const ConditionWrite* write) {
  const Pod& pod = *write->pod;
  const std::string_view reason = write->rejected ? "Unschedulable" : "SchedulerError";
  codec::Value status = status_change(pod, reason, write->message, write->nominated_node, write->was_nominated, clock_.wall_now());
  if (status.is_null()) co_return;
  const rt::Context ctx = tasks_.context();
  auto patched = co_await patch_status(client_, ctx, write->pod, std::move(status));
  if (!patched && patched.error().reason != Reason::NotFound && !ctx.done())
    log::error("A pod's condition was not written", patched.error(), {{"pod", pod_key(pod)}});
}

}  // namespace pintle::scheduler

#include "kubelet/eviction/manager.h"

#include <algorithm>

#include "component/log.h"
#include "kubelet/eviction/signals.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/status/conditions.h"
#include "kubelet/types/pressure.h"
#include "os/machine.h"
#include "rules/pod_state.h"

namespace pintle::kubelet::eviction {

namespace {

namespace log = component::log;

constexpr rt::Duration runtime_answer_max = std::chrono::seconds(10);

bool same(const Pressure& a, const Pressure& b) { return a.memory == b.memory && a.disk == b.disk && a.pid == b.pid; }

std::vector<MeasuredPod> with_usage(const std::vector<PodPtr>& pods, const std::map<std::string, PodUsage>& usages) {
  std::vector<MeasuredPod> out;
  for (const PodPtr& pod : pods) {
    const auto usage = usages.find(pod->metadata.uid);
    out.push_back({pod, usage == usages.end() ? nullptr : &usage->second});
  }
  return out;
}

}  // namespace

EvictionManager::EvictionManager(EvictionDeps deps, EvictionOptions options) : deps_(std::move(deps)), options_(std::move(options)) {}

void EvictionManager::start() {
  measure();
  (void)judge_now();
  tasks_.spawn(run(tasks_.context()));
}

rt::Task<void> EvictionManager::stop() { co_await tasks_.close(); }

void EvictionManager::measure() {
  values_ = measure_signals(deps_.paths.root(), image_disk_);
  if (!deps_.cgroups || options_.memory_for_pods_bytes <= 0) return;
  const auto used = deps_.cgroups->node_usage();
  if (!used) return;
  const auto bytes = static_cast<int64_t>(used->memory_working_set_bytes);
  values_[std::string(allocatable_memory_signal)] = {options_.memory_for_pods_bytes - bytes, options_.memory_for_pods_bytes};
}

std::vector<Threshold> EvictionManager::judge_now() {
  PressureVerdict verdict = judge(options_.thresholds, values_, options_.hold, deps_.runtime.clock().now(), memory_);
  const bool changed = !same(pressure_, verdict.pressure);
  pressure_ = verdict.pressure;
  if (changed && deps_.changed) deps_.changed();
  return std::move(verdict.starved);
}

rt::Task<void> EvictionManager::run(rt::Context ctx) {
  while (!ctx.done()) {
    const auto evicted = co_await look(ctx);
    if (evicted.empty())
      (void)co_await rt::sleep_for(ctx, options_.look_every);
    else
      co_await wait_for_cleanup(ctx, evicted);
  }
}

// Images may lie on a file system of their own; the runtime knows.
rt::Task<void> EvictionManager::find_image_disk(rt::Context ctx) {
  const rt::Context bounded = ctx.with_timeout(runtime_answer_max);
  const auto answer = co_await deps_.cri.image_fs_info(bounded);
  if (!answer || answer->image_filesystems.empty() || !answer->image_filesystems.front().fs_id) co_return;
  std::string path = answer->image_filesystems.front().fs_id->mountpoint;
  const auto images = os::file_system_id(path);
  const auto root = os::file_system_id(deps_.paths.root());
  if (!images || !root) co_return;  // it is made with the first image
  image_disk_ = std::move(path);
  dedicated_images_ = *images != *root;
}

rt::Task<std::vector<std::string>> EvictionManager::look(rt::Context ctx) {
  if (image_disk_.empty()) co_await find_image_disk(ctx);
  measure();
  auto starved = judge_now();
  auto evicted = co_await check_limits(ctx);
  if (ctx.done() || !evicted.empty()) co_return std::move(evicted);
  if (!starved.empty()) co_return co_await reclaim(ctx, std::move(starved));
  const auto disk = values_.find("imagefs.available");
  const std::optional<SignalValue> images = disk == values_.end() ? std::nullopt : std::optional(disk->second);
  if (!collecting_ && deps_.images.is_due(images)) tasks_.spawn(collect_images(ctx));
  co_return std::move(evicted);
}

// Takes its time: nothing waits for it.
rt::Task<void> EvictionManager::collect_images(rt::Context ctx) {
  collecting_ = true;
  const auto disk = values_.find("imagefs.available");
  const std::optional<SignalValue> images = disk == values_.end() ? std::nullopt : std::optional(disk->second);
  co_await deps_.images.collect(ctx, images);
  collecting_ = false;
}

// Those that run or may run, and that nobody has ended yet. After a restart a worker may not have looked yet at what the API says has
// ended: its end stays as it was.
std::vector<PodPtr> EvictionManager::candidates() const {
  std::vector<PodPtr> out;
  for (const auto& [uid, worker] : deps_.workers.all()) {
    if (!rules::is_terminal(*worker->pod()) && !worker->terminated() && !worker->ended()) out.push_back(worker->pod());
  }
  return out;
}

rt::Task<std::vector<std::string>> EvictionManager::check_limits(rt::Context ctx) {
  std::vector<std::string> evicted;
  const rt::TimePoint started = deps_.runtime.clock().now();
  if (!options_.storage_limits || (next_walk_ && started < *next_walk_)) co_return std::move(evicted);
  std::vector<PodPtr> limited = candidates();
  std::erase_if(limited, [](const PodPtr& pod) { return is_critical_pod(*pod) || !has_storage_limits(*pod); });
  if (limited.empty()) co_return std::move(evicted);
  const rt::Context bounded = ctx.with_timeout(runtime_answer_max);
  const auto usages = co_await measure_usage(sources(), bounded, limited, true);
  const rt::TimePoint now = deps_.runtime.clock().now();
  next_walk_ = now + limit_walk_share * (now - started);
  if (!usages) co_return std::move(evicted);
  for (const Eviction& eviction : plan_limit_evictions(with_usage(limited, *usages), dedicated_images_))
    if (evict(eviction)) evicted.push_back(eviction.pod_uid);
  co_return std::move(evicted);
}

// True: that was enough, no pod has to go.
rt::Task<bool> EvictionManager::reclaim_node(rt::Context ctx, std::string signal) {
  if (!frees_images(signal, dedicated_images_)) co_return false;
  co_await deps_.workers.remove_dead(ctx);
  const auto freed = co_await deps_.images.remove_unused(ctx);
  if (!freed) log::info(0, "Removing unused images failed", {{"err", freed.error().message}});
  measure();
  co_return is_reclaimed(options_.thresholds, values_);
}

rt::Task<std::vector<std::string>> EvictionManager::reclaim(rt::Context ctx, std::vector<Threshold> starved) {
  std::vector<std::string> evicted;
  const std::string signal = starved.front().signal;
  const std::string resource(resource_of(signal));
  log::info(0, "The node is short of a resource", {{"resource", resource}, {"signal", signal}});
  deps_.warn("EvictionThresholdMet", "Attempting to reclaim " + resource);
  // What the message says is what was seen before anything was reclaimed.
  const SignalValues seen = values_;
  const bool enough = co_await reclaim_node(ctx, signal);
  if (enough || ctx.done()) co_return std::move(evicted);
  const std::vector<PodPtr> pods = candidates();
  const bool disk = resource != "memory" && resource != "pids";
  const rt::Context bounded = ctx.with_timeout(runtime_answer_max);
  const auto usages = co_await measure_usage(sources(), bounded, pods, disk);
  if (!usages) {
    // A runtime that does not answer would end no pod either.
    if (!ctx.done()) log::error("The runtime does not tell what pods use", usages.error());
    co_return std::move(evicted);
  }
  const EvictionInputs inputs{starved, seen, with_usage(pods, *usages), dedicated_images_, options_.max_grace_seconds};
  const auto eviction = plan_eviction(inputs);
  if (!eviction)
    log::info(0, "No pod can be evicted", {{"resource", resource}});
  else if (evict(*eviction))
    evicted.push_back(eviction->pod_uid);
  co_return std::move(evicted);
}

bool EvictionManager::evict(const Eviction& eviction) {
  const pods::PodWorker* worker = deps_.workers.find(eviction.pod_uid);
  if (!worker || worker->terminated() || worker->ended()) return false;  // it has ended meanwhile
  const PodPtr pod = worker->pod();
  log::info(0, "Evicting a pod", {{"pod", format_pod(*pod)}, {"message", eviction.message}});
  deps_.events.warning(*pod, "", eviction_reason, eviction.message, eviction.annotations);
  pods::PodEnd end;
  end.reason = eviction_reason;
  end.message = eviction.message;
  end.grace_seconds = eviction.grace_seconds;
  if (eviction.disrupts) {
    end.condition = status::disruption_by_kubelet(eviction.message);
    end.condition->observed_generation = pod->metadata.generation;
  }
  deps_.workers.end(eviction.pod_uid, std::move(end));
  ++evictions_[eviction.signal];
  return true;
}

// What it used is free only then.
rt::Task<void> EvictionManager::wait_for_cleanup(rt::Context ctx, std::vector<std::string> uids) {
  const rt::Context bounded = ctx.with_timeout(eviction_cleanup_max);
  const auto there = [this](const std::string& uid) {
    const pods::PodWorker* worker = deps_.workers.find(uid);
    return worker && !worker->finished();
  };
  while (!bounded.done()) {
    const uint64_t seen = deps_.workers.changes().value();
    if (std::ranges::none_of(uids, there)) co_return;
    (void)co_await deps_.workers.changes().wait(bounded, seen + 1);
  }
  if (!ctx.done()) log::info(0, "Evicted pods take long to end");
}

}  // namespace pintle::kubelet::eviction

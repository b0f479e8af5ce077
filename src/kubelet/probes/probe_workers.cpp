#include "kubelet/probes/probe_workers.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "component/log.h"
#include "kubelet/probes/probe_tracker.h"
#include "kubelet/types/pod.h"
#include "rt/sync.h"

namespace pintle::kubelet::probes {

namespace {

namespace log = component::log;
using api::core_v1::Container;
using api::core_v1::Probe;

// A probe that could not be made is made again this often before it counts as an error.
constexpr int error_tries_max = 3;

std::string_view kind_name(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::Startup: return "Startup";
    case ProbeKind::Readiness: return "Readiness";
    case ProbeKind::Liveness: return "Liveness";
  }
  return "";
}

const Container* find_container(const api::core_v1::Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    const auto it = std::ranges::find(*list, name, &Container::name);
    if (it != list->end()) return &*it;
  }
  return nullptr;
}

const Probe* probe_of(const Container& container, ProbeKind kind) {
  switch (kind) {
    case ProbeKind::Startup: return container.startup_probe.get();
    case ProbeKind::Readiness: return container.readiness_probe.get();
    case ProbeKind::Liveness: return container.liveness_probe.get();
  }
  return nullptr;
}

// A container that runs, shared by the tasks of its probes.
struct Watched {
  Watched(ProbedContainer container, rt::Context context) : about(std::move(container)), ctx(std::move(context)), starting_ctx(ctx.child()) {}
  ProbedContainer about;
  rt::Context ctx;           // done when the container has ended
  rt::Context starting_ctx;  // of liveness and startup probes: done when the pod terminates too
  rt::Event started;         // its startup probe has succeeded, or it has none
  std::map<ProbeKind, ProbeTracker> trackers;
};

class Workers final : public ProbeManager {
 public:
  explicit Workers(ProbeDeps deps) : deps_(std::move(deps)), prober_(deps_.runtime, deps_.exec), made_at_(deps_.runtime.clock().now()) {}

  void start(ProbedContainer container) override;
  void stop(std::string_view container_id) override;
  void terminate_pod(std::string_view pod_uid) override;
  ProbeState state(std::string_view container_id) const override;
  void on_change(std::function<void(const std::string& pod_uid)> listener) override { listener_ = std::move(listener); }
  rt::Task<void> close() override {
    co_await tasks_.close();
    co_await prober_.close();
  }

 private:
  using WatchedPtr = std::shared_ptr<Watched>;
  rt::Task<void> work(WatchedPtr watched, ProbeKind kind);
  rt::Task<Result<Unit>> wait_for_turn(rt::Context ctx, WatchedPtr watched, ProbeKind kind, const Probe* probe);
  rt::Task<ProbeRun> probe_with_tries(rt::Context ctx, WatchedPtr watched, const Probe* probe, const Container* container);
  // Nothing: the probe itself failed, which says nothing.
  std::optional<bool> verdict(const Watched& watched, ProbeKind kind, const ProbeRun& run);
  void changed(const Watched& watched) {
    if (listener_) listener_(watched.about.pod->metadata.uid);
  }

  ProbeDeps deps_;
  Prober prober_;
  const rt::TimePoint made_at_;
  std::map<std::string, WatchedPtr, std::less<>> watched_;  // by container id
  std::set<std::string, std::less<>> terminating_;          // pod uids
  std::function<void(const std::string&)> listener_;
  rt::TaskGroup tasks_;
};

void Workers::start(ProbedContainer container) {
  if (const auto it = watched_.find(container.container_id); it != watched_.end()) {
    it->second->about = std::move(container);
    return;
  }
  const Container* spec = find_container(*container.pod, container.container);
  if (!spec || (!spec->startup_probe && !spec->readiness_probe && !spec->liveness_probe)) return;
  auto watched = std::make_shared<Watched>(std::move(container), tasks_.context().child());
  watched_[watched->about.container_id] = watched;
  // Only a startup probe holds the others back; a container that was ready before this kubelet began has started.
  if (!spec->startup_probe || watched->about.was_ready) watched->started.set();
  const bool terminating = terminating_.contains(watched->about.pod->metadata.uid);
  for (const ProbeKind kind : {ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness}) {
    const Probe* probe = probe_of(*spec, kind);
    if (!probe) continue;
    ProbeTracker tracker(kind, *probe, watched->about.was_ready);
    if (kind == ProbeKind::Startup && watched->about.was_ready) (void)tracker.add(true);
    watched->trackers.emplace(kind, tracker);
    if (tracker.on_hold() || (terminating && kind != ProbeKind::Readiness)) continue;
    tasks_.spawn(work(watched, kind));
  }
}

void Workers::stop(std::string_view container_id) {
  const auto it = watched_.find(container_id);
  if (it == watched_.end()) return;
  it->second->ctx.cancel();
  const std::string uid = it->second->about.pod->metadata.uid;
  watched_.erase(it);
  if (std::ranges::none_of(watched_, [&](const auto& entry) { return entry.second->about.pod->metadata.uid == uid; })) terminating_.erase(uid);
}

void Workers::terminate_pod(std::string_view pod_uid) {
  bool any = false;
  for (auto& [id, watched] : watched_) {
    if (watched->about.pod->metadata.uid != pod_uid) continue;
    any = true;
    watched->starting_ctx.cancel();
  }
  if (any) terminating_.emplace(pod_uid);
}

ProbeState Workers::state(std::string_view container_id) const {
  ProbeState out;
  const auto it = watched_.find(container_id);
  if (it == watched_.end()) return out;
  for (const auto& [kind, tracker] : it->second->trackers) {
    switch (kind) {
      case ProbeKind::Startup: out.startup = tracker.outcome(); break;
      case ProbeKind::Readiness: out.readiness = tracker.outcome(); break;
      case ProbeKind::Liveness: out.liveness = tracker.outcome(); break;
    }
  }
  return out;
}

// Until the container has started and its initial delay is over.
rt::Task<Result<Unit>> Workers::wait_for_turn(rt::Context ctx, WatchedPtr watched, ProbeKind kind, const Probe* probe) {
  const rt::Duration period = std::chrono::seconds(std::max(probe->period_seconds, 1));
  rt::Clock& clock = deps_.runtime.clock();
  // Just after the kubelet's start the probes of many containers are spread.
  if (watched->about.was_ready && clock.now() - made_at_ < period) {
    const auto spread = static_cast<int64_t>(deps_.runtime.random().below(static_cast<uint64_t>(period.count())));
    CO_TRY(co_await rt::sleep_for(ctx, rt::Duration(spread)));
  }
  if (kind != ProbeKind::Startup) CO_TRY(co_await watched->started.wait(ctx));
  const rt::Duration runs_for = clock.wall_now() - watched->about.started_at;
  const rt::Duration delay = std::chrono::seconds(probe->initial_delay_seconds) - runs_for;
  if (delay > rt::Duration::zero()) CO_TRY(co_await rt::sleep_for(ctx, delay));
  co_return Unit{};
}

rt::Task<ProbeRun> Workers::probe_with_tries(rt::Context ctx, WatchedPtr watched, const Probe* probe, const Container* container) {
  ProbeRun run;
  for (int tried = 0; tried < error_tries_max && !ctx.done(); ++tried) {
    ProbeTarget target{*container, watched->about.container_id, watched->about.pod_ip};
    run = co_await prober_.run(ctx, *probe, std::move(target));
    if (run.result != ProbeRun::Result::Error) break;
  }
  co_return std::move(run);
}

std::optional<bool> Workers::verdict(const Watched& watched, ProbeKind kind, const ProbeRun& run) {
  const std::string name(kind_name(kind));
  const auto warn = [&](std::string_view reason, std::string message) {
    deps_.warn(*watched.about.pod, watched.about.container, reason, std::move(message));
  };
  switch (run.result) {
    case ProbeRun::Result::Success: return true;
    case ProbeRun::Result::Warning: warn("ProbeWarning", name + " probe warning: " + run.message); return true;
    case ProbeRun::Result::Failure: warn("Unhealthy", name + " probe failed: " + run.message); return false;
    case ProbeRun::Result::Error: warn("Unhealthy", name + " probe errored and resulted in unknown state: " + run.message); return std::nullopt;
  }
  return std::nullopt;
}

rt::Task<void> Workers::work(WatchedPtr watched, ProbeKind kind) {
  // The pod object of the start: probes are immutable. Kept alive by us.
  const PodPtr pod = watched->about.pod;
  const Container* container = find_container(*pod, watched->about.container);
  const Probe* probe = probe_of(*container, kind);
  const rt::Context ctx = kind == ProbeKind::Readiness ? watched->ctx : watched->starting_ctx;
  ProbeTracker& tracker = watched->trackers.at(kind);
  auto turn = co_await wait_for_turn(ctx, watched, kind, probe);
  if (!turn) co_return;
  const rt::Duration period = std::chrono::seconds(std::max(probe->period_seconds, 1));
  rt::TimePoint next = deps_.runtime.clock().now();
  while (!ctx.done() && !tracker.on_hold()) {
    const ProbeRun run = co_await probe_with_tries(ctx, watched, probe, container);
    if (ctx.done()) co_return;
    const auto success = verdict(*watched, kind, run);
    if (success && tracker.add(*success)) {
      if (kind == ProbeKind::Startup && tracker.outcome() == ProbeOutcome::Success) watched->started.set();
      log::info(2, "Probe changed its verdict",
                {{"pod", pod->metadata.name},
                 {"container", container->name},
                 {"probe", std::string(kind_name(kind))},
                 {"success", *success ? "true" : "false"}});
      changed(*watched);
    }
    // A ticker drops the ticks that a slow probe has missed.
    const rt::TimePoint now = deps_.runtime.clock().now();
    do next += period;
    while (next <= now);
    auto slept = co_await rt::sleep_until(ctx, next);
    if (!slept) co_return;
  }
}

}  // namespace

std::unique_ptr<ProbeManager> make_probe_manager(ProbeDeps deps) { return std::make_unique<Workers>(std::move(deps)); }

}  // namespace pintle::kubelet::probes

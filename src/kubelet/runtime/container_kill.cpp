// Ending a container: preStop within the grace period, then the runtime's stop.
#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/runtime/pod_runtime.h"
#include "rt/far_time.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;
namespace log = component::log;

int64_t grace_seconds_of(const Pod& pod, const KillRequest& request) {
  if (request.grace_seconds) return *request.grace_seconds;
  int64_t seconds = minimum_grace_seconds;
  if (pod.metadata.deletion_grace_period_seconds) {
    seconds = *pod.metadata.deletion_grace_period_seconds;
  } else if (pod.spec.termination_grace_period_seconds) {
    seconds = *pod.spec.termination_grace_period_seconds;
    const auto container = container_config::find_container(pod.spec, request.container.name);
    const Probe* probe = nullptr;
    if (container && request.reason == KillReason::LivenessProbe) probe = container->liveness_probe.get();
    if (container && request.reason == KillReason::StartupProbe) probe = container->startup_probe.get();
    if (probe && probe->termination_grace_period_seconds) seconds = *probe->termination_grace_period_seconds;
  }
  return std::max<int64_t>(seconds, 0);
}

// What is left of the grace period after the hook.
rt::Task<int64_t> PodRuntime::run_pre_stop(rt::Context ctx, KillRequest request, int64_t grace_seconds) {
  const auto container = container_config::find_container(request.pod->spec, request.container.name);
  const bool running = request.container.phase == ContainerPhase::Running;
  if (!running || grace_seconds <= 0 || !container || !container->lifecycle || !container->lifecycle->pre_stop) co_return grace_seconds;
  const auto started = deps_.runtime.clock().now();
  hooks::HookTarget target;
  target.pod = request.pod;
  target.container = request.container.name;
  target.container_id = request.container.id;
  target.pod_ip = hook_address(*request.pod, request.sandbox_ips);
  const rt::Context bounded = ctx.with_timeout(rt::seconds_of(grace_seconds));
  const auto ran = co_await deps_.hooks.run(bounded, std::move(target), *container->lifecycle->pre_stop);
  if (!ran && !ctx.done()) {
    log::info(1, "PreStopHook failed", {{"pod", format_pod(*request.pod)}, {"container", request.container.name}, {"err", ran.error().message}});
    if (!bounded.done()) deps_.events.warning(*request.pod, request.container.name, "FailedPreStopHook", "PreStopHook failed");
  }
  const auto spent = std::chrono::ceil<std::chrono::seconds>(deps_.runtime.clock().now() - started).count();
  co_return std::max(grace_seconds - spent, minimum_grace_seconds);
}

rt::Task<Result<Unit>> PodRuntime::kill_container(rt::Context ctx, KillRequest request) {
  int64_t grace = grace_seconds_of(*request.pod, request);
  const PodPtr pod = request.pod;
  const std::string id = request.container.id;
  std::string message = request.message.empty() ? "Stopping container " + request.container.name : request.message;
  deps_.events.normal(*pod, request.container.name, "Killing", std::move(message));
  grace = co_await run_pre_stop(ctx, std::move(request), grace);
  if (ctx.done()) co_return Unexpected(ctx.status());
  auto stopped = co_await deps_.cri.stop_container(ctx, id, grace);
  if (!stopped && stopped.error().reason == Reason::NotFound) co_return Unit{};
  co_return std::move(stopped);
}

rt::Task<Result<Unit>> PodRuntime::reset_container(rt::Context ctx, KillRequest request, bool kill, bool newest) {
  const RuntimeContainer container = request.container;
  const PodPtr pod = request.pod;
  if (kill) CO_TRY(co_await kill_container(ctx, std::move(request)));
  if (!newest) co_return co_await remove_container(std::move(ctx), container, pod->metadata.namespace_, pod->metadata.name);
  auto removed = co_await deps_.cri.remove_container(ctx, container.id);
  if (!removed && removed.error().reason != Reason::NotFound) co_return std::move(removed);
  co_await deps_.runtime.run_blocking(
      [&] { logs::remove_other_logs(container.log_path, deps_.container_logs_dir, pod->metadata.name, pod->metadata.namespace_); });
  co_return Unit{};
}

}  // namespace pintle::kubelet::runtime

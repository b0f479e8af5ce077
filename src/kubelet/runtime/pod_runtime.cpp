#include "kubelet/runtime/pod_runtime.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "kubelet/container_config/linux_resources.h"
#include "kubelet/logs/container_logs.h"
#include "rt/combine.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;
namespace log = component::log;

PodRuntime::PodRuntime(PodRuntimeDeps deps) : deps_(std::move(deps)) {}

std::string PodRuntime::hook_address(const Pod& pod, const std::vector<std::string>& sandbox_ips) const {
  const auto ips = pod.spec.host_network ? deps_.node_ips() : sandbox_ips;
  return ips.empty() ? std::string() : ips.front();
}

rt::Task<Result<std::string>> PodRuntime::create_sandbox(rt::Context ctx, PodPtr pod, uint32_t attempt) {
  std::string handler;
  if (pod->spec.runtime_class_name && deps_.runtime_handler) {
    auto found = co_await deps_.runtime_handler(ctx, *pod->spec.runtime_class_name);
    if (!found) {
      deps_.events.warning(*pod, "", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + found.error().message);
      co_return Unexpected(std::move(found).error());
    }
    handler = std::move(*found);
  }
  auto config = co_await deps_.configurator.sandbox_config(ctx, pod, attempt);
  if (!config) {
    deps_.events.warning(*pod, "", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + config.error().message);
    co_return Unexpected(std::move(config).error());
  }
  auto id = co_await deps_.cri.run_pod_sandbox(ctx, std::move(*config), std::move(handler));
  if (!id && !ctx.done()) deps_.events.warning(*pod, "", "FailedCreatePodSandBox", "Failed to create pod sandbox: " + id.error().message);
  co_return std::move(id);
}

rt::Task<Result<Unit>> PodRuntime::update_resources(rt::Context ctx, PodPtr pod, std::string container, std::string container_id) {
  const auto spec = container_config::find_container(pod->spec, container);
  if (!spec) co_return error(Reason::NotFound, "no container " + container);
  api::cri_v1::UpdateContainerResourcesRequest request;
  request.container_id = std::move(container_id);
  request.linux = container_config::make_linux_resources(*pod, *spec, deps_.node());
  co_return co_await deps_.cri.update_container_resources(std::move(ctx), std::move(request));
}

rt::Task<Result<Unit>> PodRuntime::update_sandbox_resources(rt::Context ctx, PodPtr pod, std::string sandbox_id) {
  const container_config::NodeConfig node = deps_.node();
  api::cri_v1::UpdatePodSandboxResourcesRequest request;
  request.pod_sandbox_id = std::move(sandbox_id);
  request.overhead = container_config::overhead_resources(*pod, node);
  request.resources = container_config::sandbox_resources(*pod, node);
  auto told = co_await deps_.cri.update_pod_sandbox_resources(std::move(ctx), std::move(request));
  if (!told && told.error().reason == Reason::MethodNotAllowed) co_return Unit{};
  co_return std::move(told);
}

// Containers of a group at once; the next group after them.
rt::Task<Result<Unit>> PodRuntime::kill_pod(rt::Context ctx, PodPtr pod, PodState state, std::optional<int64_t> grace_seconds) {
  Result<Unit> result = Unit{};
  for (const auto& group : kill_order(*pod, state)) {
    std::vector<rt::Task<Result<Unit>>> kills;
    for (const auto& id : group) {
      KillRequest request;
      request.pod = pod;
      request.container = *std::find_if(state.containers.begin(), state.containers.end(), [&](const auto& c) { return c.id == id; });
      request.sandbox_ips = state.ips_of(request.container);
      request.reason = KillReason::PodEnds;
      request.grace_seconds = grace_seconds;
      kills.push_back(kill_container(ctx, std::move(request)));
    }
    const auto killed = co_await rt::when_all(std::move(kills));
    for (const auto& one : killed) {
      if (!one) result = Unexpected(one.error());
    }
    if (ctx.done()) co_return Unexpected(ctx.status());
  }
  for (const auto& sandbox : state.sandboxes) {
    if (!sandbox.ready) continue;
    auto stopped = co_await deps_.cri.stop_pod_sandbox(ctx, sandbox.id);
    if (!stopped && stopped.error().reason != Reason::NotFound) result = Unexpected(std::move(stopped).error());
  }
  if (!result && !ctx.done()) deps_.events.warning(*pod, "", "FailedKillPod", "error killing pod: " + result.error().message);
  co_return std::move(result);
}

rt::Task<Result<Unit>> PodRuntime::remove_container(rt::Context ctx, RuntimeContainer container, std::string namespace_name, std::string name) {
  auto removed = co_await deps_.cri.remove_container(ctx, container.id);
  if (!removed && removed.error().reason != Reason::NotFound) co_return std::move(removed);
  std::string link;
  if (!deps_.container_logs_dir.empty())
    link = deps_.container_logs_dir + "/" + logs::log_link_name(name, namespace_name, container.name, container.id);
  co_await deps_.runtime.run_blocking([&] { logs::remove_container_log(container.log_path, link); });
  co_return Unit{};
}

rt::Task<Result<Unit>> PodRuntime::remove_pod(rt::Context ctx, PodState state, std::string namespace_name, std::string name) {
  for (const auto& container : state.containers) {
    CO_TRY(co_await remove_container(ctx, container, namespace_name, name));
  }
  for (const auto& sandbox : state.sandboxes) {
    (void)co_await deps_.cri.stop_pod_sandbox(ctx, sandbox.id);  // its network may have been left by a failed start
    auto removed = co_await deps_.cri.remove_pod_sandbox(ctx, sandbox.id);
    if (!removed && removed.error().reason != Reason::NotFound) co_return std::move(removed);
  }
  const std::string directory = deps_.paths.pod_log(namespace_name, name, state.uid);
  co_await deps_.runtime.run_blocking([&] { logs::remove_pod_logs(directory, deps_.container_logs_dir, name, namespace_name); });
  co_return Unit{};
}

rt::Task<void> PodRuntime::collect_garbage(rt::Context ctx, PodState state, std::string namespace_name, std::string name) {
  for (const auto& container : state.containers) {
    if (container.phase == ContainerPhase::Running) continue;
    const RuntimeContainer* newest = state.latest(container.name);
    if (newest->id == container.id) continue;
    const RuntimeContainer* kept = state.previous(container.name);
    if (kept && kept->id == container.id) continue;
    const auto removed = co_await remove_container(ctx, container, namespace_name, name);
    if (!removed) log::info(2, "Removing a dead container failed", {{"container", container.id}, {"err", removed.error().message}});
  }
  for (const auto& sandbox : state.sandboxes) {
    const bool used = std::any_of(state.containers.begin(), state.containers.end(), [&](const auto& c) { return c.sandbox_id == sandbox.id; });
    if (used || sandbox.ready || sandbox.id == state.sandbox()->id) continue;
    const auto removed = co_await deps_.cri.remove_pod_sandbox(ctx, sandbox.id);
    if (!removed) log::info(2, "Removing an old sandbox failed", {{"sandbox", sandbox.id}, {"err", removed.error().message}});
  }
}

}  // namespace pintle::kubelet::runtime

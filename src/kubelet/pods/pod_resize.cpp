// Resizing a running pod in place: its cgroup makes room, containers are given what the spec says (or start again with it), the cgroup
// takes what it needs.
#include <algorithm>

#include "kubelet/container_config/container_config.h"
#include "kubelet/pods/pod_worker.h"

namespace pintle::kubelet::pods {

using namespace api::core_v1;

namespace {

constexpr rt::Duration resize_retry_after = std::chrono::seconds(10);

const ResourceRequirements* said_of(const PodStatus& status, const RuntimeContainer& container) {
  for (const auto* list : {&status.container_statuses, &status.init_container_statuses}) {
    for (const auto& one : *list) {
      if (one.name == container.name && one.container_id.ends_with("/" + container.id) && one.resources) return one.resources.get();
    }
  }
  return nullptr;
}

}  // namespace

// What was started by this kubelet has what the spec said then; an adopted container what its status says.
void PodWorker::note_applied() {
  if (!applied_.pod) applied_.pod = runtime::said_pod_level(*pod_, status_);
  std::erase_if(applied_.containers, [this](const auto& entry) {
    return std::none_of(state_.containers.begin(), state_.containers.end(), [&](const auto& c) { return c.id == entry.first; });
  });
  for (const auto& container : state_.containers) {
    if (container.phase != ContainerPhase::Running || applied_.containers.contains(container.id)) continue;
    const auto spec = container_config::find_container(pod_->spec, container.name);
    const ResourceRequirements* said = said_of(status_, container);
    if (said)
      applied_.containers[container.id] = *said;
    else if (spec)
      applied_.containers[container.id] = spec->resources;
  }
}

rt::Task<Result<Unit>> PodWorker::resize_cgroup(Pod pod) {
  Result<Unit> done = Unit{};
  if (deps_.cgroups) co_await deps_.runtime.run_blocking([&] { done = deps_.cgroups->apply(pod); });
  co_return std::move(done);
}

// False: something was killed or has failed; look again.
rt::Task<bool> PodWorker::resize(rt::Context ctx) {
  const auto todo = runtime::plan_resize(*pod_, state_, applied_, deps_.resize_init_containers);
  const bool whole = runtime::pod_level_differs(pod_->spec, applied_);
  const auto retry = retries_.find(resize_retry);
  if (todo.empty() && !whole) {
    resize_.in_progress.reset();
    co_return true;
  }
  if (retry != retries_.end() && retry->second.at > deps_.runtime.clock().now()) co_return true;
  if (!resize_.in_progress) {
    resize_.in_progress = WaitingReason();
    publish();
  }
  auto done = co_await resize_cgroup(runtime::with_room_for_both(*pod_, state_, applied_));
  for (const auto& one : todo) {
    if (!done || ctx.done()) break;
    const auto container = container_config::find_container(pod_->spec, one.name);
    if (one.restart) {
      runtime::KillRequest request;
      request.pod = pod_;
      request.container = *state_.active(one.name);
      request.sandbox_ips = state_.ips_of(request.container);
      request.message = "Container " + one.name + " resize requires restart";
      (void)co_await deps_.pods.kill_container(ctx, std::move(request));
      co_return false;
    }
    done = co_await deps_.pods.update_resources(ctx, pod_, one.name, one.id);
    if (done) applied_.containers[one.id] = container->resources;
  }
  if (done) done = co_await resize_cgroup(*pod_);
  const SandboxState* sandbox = state_.sandbox();
  if (done && sandbox) done = co_await deps_.pods.update_sandbox_resources(ctx, pod_, sandbox->id);
  if (done) {
    applied_.pod = pod_->spec.resources ? *pod_->spec.resources : ResourceRequirements();
    resize_.in_progress.reset();
    retries_.erase(resize_retry);
    deps_.events.normal(*pod_, "", "ResizeCompleted", "Pod resize completed");
    co_return true;
  }
  resize_.in_progress = WaitingReason{"Error", done.error().message};
  retries_[resize_retry] = Retry{deps_.runtime.clock().now() + resize_retry_after, false};
  co_return true;
}

}  // namespace pintle::kubelet::pods

// Starting a container: image, configuration, create, start, postStart.
#include <fmt/format.h>

#include "component/log.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/runtime/pod_runtime.h"
#include "net/grpc/code.h"

namespace pintle::kubelet::runtime {

using namespace api::core_v1;
namespace log = component::log;
using Started = Expected<std::string, WaitingReason>;

namespace {

Unexpected<WaitingReason> waits(std::string reason, std::string message) { return Unexpected(WaitingReason{std::move(reason), std::move(message)}); }

}  // namespace

rt::Task<Started> PodRuntime::start_container(rt::Context ctx, StartRequest request) {
  const Pod& pod = *request.pod;
  const std::string& name = request.start.name;
  const auto container = container_config::find_container(pod.spec, name);
  if (!container) co_return waits("CreateContainerError", "no container " + name);
  auto sandbox = co_await deps_.configurator.sandbox_config(ctx, request.pod, request.sandbox_attempt);
  if (!sandbox) co_return waits("CreateContainerConfigError", sandbox.error().message);
  images::ImageRequest image;
  image.pod = request.pod;
  image.container = name;
  image.image = container->image;
  image.pull_policy = container->image_pull_policy;
  image.sandbox = *sandbox;
  auto pulled = co_await deps_.images.ensure(ctx, std::move(image));
  if (!pulled) {
    if (!ctx.done()) deps_.events.warning(pod, name, "Failed", "Error: " + pulled.error().reason);
    co_return Unexpected(std::move(pulled).error());
  }
  co_return co_await create_and_start(std::move(ctx), std::move(request), std::move(*pulled), std::move(*sandbox));
}

rt::Task<Started> PodRuntime::create_and_start(rt::Context ctx, StartRequest request, images::PulledImage image,
                                               api::cri_v1::PodSandboxConfig sandbox) {
  const PodPtr pod = request.pod;
  const std::string name = request.start.name;
  container_config::ContainerRequest wanted;
  wanted.pod = pod;
  wanted.container = name;
  wanted.attempt = request.start.attempt;
  wanted.image_ref = image.ref;
  wanted.image_uid = image.uid;
  wanted.image_username = image.username;
  wanted.pod_ips = pod->spec.host_network ? deps_.node_ips() : request.sandbox_ips;
  wanted.target_container_id = request.target_container_id;
  auto volumes = co_await pull_image_volumes(ctx, pod, name, sandbox);
  if (!volumes) co_return Unexpected(std::move(volumes).error());
  wanted.image_volumes = std::move(*volumes);
  auto config = co_await deps_.configurator.container_config(ctx, std::move(wanted));
  if (!config) {
    if (!ctx.done()) deps_.events.warning(*pod, name, "Failed", "Error: " + config.error().message);
    co_return waits("CreateContainerConfigError", config.error().message);
  }
  auto id = co_await deps_.cri.create_container(ctx, request.sandbox_id, std::move(*config), std::move(sandbox));
  if (!id) {
    std::string why(net::grpc::description_of(id.error()));
    if (!ctx.done()) deps_.events.warning(*pod, name, "Failed", "Error: " + why);
    co_return waits("CreateContainerError", std::move(why));
  }
  deps_.events.normal(*pod, name, "Created", "Container created");
  auto started = co_await deps_.cri.start_container(ctx, *id);
  if (!started) {
    std::string why(net::grpc::description_of(started.error()));
    if (!ctx.done()) deps_.events.warning(*pod, name, "Failed", "Error: " + why);
    co_return waits("RunContainerError", std::move(why));
  }
  deps_.events.normal(*pod, name, "Started", "Container started");
  co_await link_log(request, *id);
  const auto hooked = co_await run_post_start(ctx, std::move(request), *id);
  if (!hooked) co_return waits("PostStartHookError", hooked.error().message);
  co_return std::move(*id);
}

// A hook that fails ends the container.
rt::Task<Result<Unit>> PodRuntime::run_post_start(rt::Context ctx, StartRequest request, std::string container_id) {
  const auto container = container_config::find_container(request.pod->spec, request.start.name);
  if (!container || !container->lifecycle || !container->lifecycle->post_start) co_return Unit{};
  hooks::HookTarget target;
  target.pod = request.pod;
  target.container = request.start.name;
  target.container_id = container_id;
  target.pod_ip = hook_address(*request.pod, request.sandbox_ips);
  auto ran = co_await deps_.hooks.run(ctx, std::move(target), *container->lifecycle->post_start);
  if (ran || ctx.done()) co_return std::move(ran);
  log::info(1, "PostStartHook failed", {{"pod", format_pod(*request.pod)}, {"container", request.start.name}, {"err", ran.error().message}});
  deps_.events.warning(*request.pod, request.start.name, "FailedPostStartHook", "PostStartHook failed");
  KillRequest kill;
  kill.pod = request.pod;
  kill.container.id = container_id;
  kill.container.name = request.start.name;
  kill.sandbox_ips = request.sandbox_ips;
  kill.reason = KillReason::Stopping;
  kill.message = "FailedPostStartHook";
  (void)co_await kill_container(ctx, std::move(kill));
  co_return std::move(ran);
}

rt::Task<void> PodRuntime::link_log(StartRequest request, std::string container_id) {
  if (deps_.container_logs_dir.empty()) co_return;
  const Pod& pod = *request.pod;
  const std::string& name = request.start.name;
  const std::string path =
      deps_.paths.pod_log(pod.metadata.namespace_, pod.metadata.name, pod.metadata.uid) + "/" + Paths::container_log(name, request.start.attempt);
  const std::string link = logs::log_link_name(pod.metadata.name, pod.metadata.namespace_, name, container_id);
  Result<Unit> made = Unit{};
  co_await deps_.runtime.run_blocking([&] { made = logs::make_log_link(deps_.container_logs_dir, link, path); });
  if (!made) log::info(2, "Linking a container's log failed", {{"container", container_id}, {"err", made.error().message}});
}

}  // namespace pintle::kubelet::runtime

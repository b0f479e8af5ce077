#include "kubelet/kubelet_host.h"

#include "apimachinery/clock_time.h"
#include "component/metrics.h"
#include "csi/remote_controller.h"
#include "kubelet/runtime/observe.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_state.h"
#include "net/grpc/code.h"

namespace pintle::kubelet {

using api::core_v1::Pod;
namespace cri_v1 = api::cri_v1;

namespace {

void write_counts(std::string& out, std::string_view name, std::string_view help, std::string_view label,
                  const std::map<std::string, uint64_t>& counts) {
  if (counts.empty()) return;
  component::metrics::write_head(out, name, help, "counter");
  const std::string_view names[] = {label};
  for (const auto& [value, count] : counts) {
    const std::string values[] = {value};
    component::metrics::write_sample(out, name, names, values, static_cast<double>(count));
  }
}

}  // namespace

Host::Host(HostDeps deps) : deps_(std::move(deps)), started_(deps_.runtime.clock().wall_now()) {}

rt::Task<std::vector<Pod>> Host::pods() {
  std::vector<Pod> out;
  for (const auto& [uid, worker] : deps_.workers.all()) out.push_back(pods::PodWorkers::current(*worker, deps_.statuses));
  co_return std::move(out);
}

rt::Task<std::optional<Pod>> Host::pod(std::string namespace_name, std::string name) {
  for (const auto& [uid, worker] : deps_.workers.all()) {
    const auto& metadata = worker->pod()->metadata;
    if (metadata.name == name && metadata.namespace_ == namespace_name) co_return pods::PodWorkers::current(*worker, deps_.statuses);
  }
  co_return std::nullopt;
}

rt::Task<std::optional<Result<std::string>>> Host::csi_controller_call(rt::Context ctx, std::string driver, std::string method, std::string request) {
  if (driver.empty() || driver != deps_.provisioned_driver) co_return std::nullopt;
  const auto found = deps_.csi.find(driver);
  if (!found) co_return Result<std::string>(Unexpected(net::grpc::to_status(net::grpc::Code::Unavailable, "the driver is not registered yet")));
  co_return co_await csi::answer_controller_call(std::move(ctx), *found, std::move(method), std::move(request));
}

rt::Task<Result<std::vector<Pod>>> Host::running_pods(rt::Context ctx) {
  CO_TRY_ASSIGN(const auto all, co_await runtime::observe_all(deps_.cri, std::move(ctx)));
  std::vector<Pod> out;
  for (const auto& [uid, state] : all) {
    if (!state.any_running()) continue;
    Pod pod;
    pod.metadata.uid = uid;
    pod.metadata.name = state.name;
    pod.metadata.namespace_ = state.namespace_name;
    for (const auto& container : state.containers) {
      if (container.phase != ContainerPhase::Running) continue;
      auto& one = pod.spec.containers.emplace_back();
      one.name = container.name;
      one.image = container.image;
    }
    out.push_back(std::move(pod));
  }
  co_return std::move(out);
}

rt::Task<Result<std::string>> Host::container_log_path(rt::Context ctx, std::string container_id) {
  CO_TRY_ASSIGN(const auto answer, co_await deps_.cri.container_status(std::move(ctx), container_id, false));
  if (!answer.status || answer.status->log_path.empty()) co_return error(Reason::NotFound, "container " + container_id + " has no log");
  co_return answer.status->log_path;
}

rt::Task<Result<Unit>> Host::wait_container_end(rt::Context ctx, std::string container_id) {
  while (true) {
    const uint64_t seen = deps_.workers.changes().value();
    const RuntimeContainer* container = nullptr;
    const pods::PodWorker* worker = deps_.workers.of_container(container_id, &container);
    if (!worker || container->phase != ContainerPhase::Running) co_return Unit{};
    CO_TRY(co_await deps_.workers.changes().wait(ctx, seen + 1));
  }
}

rt::Task<Result<server::ExecSyncResult>> Host::exec_sync(rt::Context ctx, std::string container_id, std::vector<std::string> command) {
  CO_TRY_ASSIGN(auto answer, co_await deps_.cri.exec_sync(std::move(ctx), std::move(container_id), std::move(command), rt::Duration(0)));
  server::ExecSyncResult out;
  out.stdout = std::move(answer.stdout);
  out.stderr = std::move(answer.stderr);
  out.exit_code = answer.exit_code;
  co_return std::move(out);
}

rt::Task<Result<std::string>> Host::checkpoint(rt::Context ctx, Pod pod, std::string container, int64_t timeout_seconds) {
  const pods::PodWorker* worker = deps_.workers.find(pod.metadata.uid);
  const RuntimeContainer* active = worker ? worker->state().active(container) : nullptr;
  if (!active) co_return error(Reason::NotFound, "container " + container + " not found");
  if (timeout_seconds < 0) co_return bad_request("CheckpointContainer requires the timeout value to be > 0");
  const std::string time = api::format_time(apimachinery::to_api_time(deps_.runtime.clock().wall_now()));
  cri_v1::CheckpointContainerRequest request;
  request.container_id = active->id;
  request.timeout = timeout_seconds;
  request.location = deps_.checkpoints_dir + "/checkpoint-" + pod_full_name(pod) + "-" + container + "-" + time + ".tar";
  const std::string location = request.location;
  // What a container has in memory is for root alone.
  CO_TRY(deps_.runtime.disk().make_directories(deps_.checkpoints_dir, 0700));
  CO_TRY(co_await deps_.cri.checkpoint_container(std::move(ctx), std::move(request)));
  co_return location;
}

rt::Task<Result<std::string>> Host::exec_url(rt::Context ctx, server::StreamRequest request) {
  cri_v1::ExecRequest exec;
  exec.container_id = std::move(request.container_id);
  exec.cmd = std::move(request.command);
  exec.tty = request.tty;
  exec.stdin = request.stdin;
  exec.stdout = request.stdout;
  exec.stderr = request.stderr;
  return deps_.cri.exec(std::move(ctx), std::move(exec));
}

rt::Task<Result<std::string>> Host::attach_url(rt::Context ctx, server::StreamRequest request) {
  cri_v1::AttachRequest attach;
  attach.container_id = std::move(request.container_id);
  attach.tty = request.tty;
  attach.stdin = request.stdin;
  attach.stdout = request.stdout;
  attach.stderr = request.stderr;
  return deps_.cri.attach(std::move(ctx), std::move(attach));
}

rt::Task<Result<std::string>> Host::port_forward_url(rt::Context ctx, Pod pod, std::vector<int32_t> ports) {
  const pods::PodWorker* worker = deps_.workers.find(pod.metadata.uid);
  const SandboxState* sandbox = worker ? worker->state().sandbox() : nullptr;
  if (!sandbox || !sandbox->ready) co_return error(Reason::NotFound, "failed to find sandboxID for pod " + format_pod(pod));
  cri_v1::PortForwardRequest forward;
  forward.pod_sandbox_id = sandbox->id;
  forward.port = std::move(ports);
  co_return co_await deps_.cri.port_forward(std::move(ctx), std::move(forward));
}

uint64_t Host::nano_cores(uint64_t cpu_ns) {
  const auto now = deps_.runtime.clock().now();
  const auto before = std::exchange(last_sample_, Sample{now, cpu_ns});
  if (!before || now <= before->at || cpu_ns < before->cpu_ns) return 0;
  const double share = static_cast<double>(cpu_ns - before->cpu_ns) / static_cast<double>((now - before->at).count());
  return static_cast<uint64_t>(share * 1e9);
}

rt::Task<Result<stats::StatsInputs>> Host::gather(rt::Context ctx, bool only_cpu_and_memory) {
  stats::StatsInputs in;
  in.node_name = deps_.node_name;
  in.node_started = started_;
  in.pods = co_await pods();
  CO_TRY_ASSIGN(in.containers, co_await deps_.cri.list_container_stats(ctx, cri_v1::ContainerStatsFilter()));
  if (!only_cpu_and_memory) {
    co_await deps_.volume_usages.wait_first(ctx);
    in.volumes = deps_.volume_usages.latest();
    auto sandboxes = co_await deps_.cri.list_pod_sandbox_stats(ctx, cri_v1::PodSandboxStatsFilter());
    if (sandboxes) in.sandboxes = std::move(*sandboxes);
    const auto images = co_await deps_.cri.image_fs_info(ctx);
    if (images && !images->image_filesystems.empty()) {
      const auto& first = images->image_filesystems.front();
      if (first.used_bytes) in.image_bytes = first.used_bytes->value;
      if (first.fs_id) {
        if (auto usage = os::file_system_usage(first.fs_id->mountpoint)) in.image_file_system = *usage;
      }
    }
    if (auto usage = os::file_system_usage(deps_.root_dir)) in.file_system = *usage;
  }
  co_await deps_.runtime.run_blocking([&] {
    if (deps_.cgroups) {
      if (auto usage = deps_.cgroups->usage("/")) in.node = *usage;
    }
    in.now = deps_.runtime.clock().wall_now();  // of the node's figures: the runtime may have taken its time
    if (auto memory = os::memory_info()) in.memory_available_bytes = memory->available_bytes;
  });
  if (in.node) in.node_nano_cores = nano_cores(in.node->cpu_usage_ns);
  co_return std::move(in);
}

rt::Task<Result<api::kubeletstats_v1alpha1::Summary>> Host::stats_summary(rt::Context ctx, bool only_cpu_and_memory) {
  CO_TRY_ASSIGN(const auto in, co_await gather(std::move(ctx), only_cpu_and_memory));
  co_return stats::make_summary(in);
}

rt::Task<Result<std::string>> Host::resource_metrics(rt::Context ctx) {
  CO_TRY_ASSIGN(const auto in, co_await gather(std::move(ctx), true));
  co_return stats::resource_metrics(stats::make_summary(in));
}

// The same figures: whoever wants every counter of every cgroup runs cAdvisor.
rt::Task<Result<std::string>> Host::cadvisor_metrics(rt::Context ctx) { return resource_metrics(std::move(ctx)); }

std::string Host::metrics() {
  std::size_t running = 0;
  std::size_t containers = 0;
  for (const auto& [uid, worker] : deps_.workers.all()) {
    if (worker->state().sandbox() && worker->state().sandbox()->ready) ++running;
    for (const auto& container : worker->state().containers) containers += container.phase == ContainerPhase::Running;
  }
  std::string out;
  namespace metrics = component::metrics;
  metrics::write_head(out, "kubelet_running_pods", "[ALPHA] Number of pods that have a running pod sandbox", "gauge");
  metrics::write_sample(out, "kubelet_running_pods", {}, {}, static_cast<double>(running));
  metrics::write_head(out, "kubelet_running_containers", "[ALPHA] Number of containers currently running", "gauge");
  const std::string_view labels[] = {"container_state"};
  const std::string values[] = {"running"};
  metrics::write_sample(out, "kubelet_running_containers", labels, values, static_cast<double>(containers));
  metrics::write_head(out, "kubelet_active_pods", "[ALPHA] The number of pods the kubelet considers active", "gauge");
  metrics::write_sample(out, "kubelet_active_pods", {}, {}, static_cast<double>(deps_.workers.all().size()));
  write_counts(out, "kubelet_evictions", "[ALPHA] Cumulative number of pod evictions by eviction signal", "eviction_signal",
               deps_.eviction.evictions());
  write_counts(out, "kubelet_image_garbage_collected_total",
               "[ALPHA] Total number of images garbage collected by the kubelet, whether through disk usage or image age.", "reason",
               deps_.images.removed());
  deps_.pleg.write_metrics(out);
  deps_.credential_providers.write_metrics(out);
  out += stats::volume_metrics(deps_.volume_usages.latest());
  deps_.devices.write_metrics(out);
  deps_.claims.write_metrics(out);
  deps_.allocator.write_metrics(out);
  deps_.pod_resources.write_metrics(out);
  return out;
}

std::string Host::probe_metrics() { return ""; }

}  // namespace pintle::kubelet

#include "kubelet/pod_life.h"

#include "component/log.h"
#include "cri/container_events.h"
#include "kubelet/admission/resize_admission.h"
#include "kubelet/probes/probe_workers.h"
#include "rt/backoff.h"

namespace pintle::kubelet {

using api::core_v1::Pod;
using api::kubeletconfig_v1beta1::KubeletConfiguration;
namespace log = component::log;

namespace {

constexpr auto* pods_of_node = "node";
constexpr rt::BackoffOptions reconnect{.initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(5)};
constexpr rt::Duration look_after_subscription = std::chrono::seconds(1);  // an event may fall between stream and list
constexpr rt::Duration look_without_events = std::chrono::seconds(5);      // a runtime that tells nothing

logs::LogRotationOptions log_rotation(const KubeletConfiguration& config) {
  logs::LogRotationOptions out;
  if (const auto size = api::Quantity::parse(config.container_log_max_size); size && size->value() > 0)
    out.bytes_max = static_cast<uint64_t>(size->value());
  if (config.container_log_max_files) out.files_max = static_cast<std::size_t>(*config.container_log_max_files);
  out.workers = static_cast<std::size_t>(std::max(config.container_log_max_workers.value_or(1), 1));
  if (config.container_log_monitor_interval && config.container_log_monitor_interval->nanos > 0)
    out.look_every = rt::Duration(config.container_log_monitor_interval->nanos);
  return out;
}

rt::Task<Result<probes::ExecOutput>> exec_for_probe(cri::RuntimeClient& cri, rt::Context ctx, std::string id, std::vector<std::string> command,
                                                    rt::Duration timeout) {
  CO_TRY_ASSIGN(auto answer, co_await cri.exec_sync(std::move(ctx), std::move(id), std::move(command), timeout));
  probes::ExecOutput out;
  out.exit_code = answer.exit_code;
  out.output = std::move(answer.stdout);
  out.output += answer.stderr;
  co_return std::move(out);
}

probes::ProbeDeps probe_deps(const PodLifeDeps& deps) {
  probes::ProbeDeps out{deps.runtime};
  out.exec = [&cri = deps.cri](rt::Context ctx, std::string id, std::vector<std::string> command, rt::Duration timeout) {
    return exec_for_probe(cri, std::move(ctx), std::move(id), std::move(command), timeout);
  };
  out.warn = [&events = deps.cluster.events](const Pod& pod, const std::string& container, std::string_view reason, std::string message) {
    events.warning(pod, container, reason, std::move(message));
  };
  return out;
}

}  // namespace

PodLife::PodLife(PodLifeDeps deps_in)
    : deps(deps_in),
      probes(probes::make_probe_manager(probe_deps(deps))),
      statuses(deps.runtime, deps.cluster.client, config),
      workers(worker_deps(), config),
      logs(logs::LogRotatorDeps{deps.runtime, deps.cri, [this] { return workers.running_logs(); }}, log_rotation(deps.options.configuration)),
      pleg(pleg_deps()),
      placement(deps.cri) {
  probes->on_change([this](const std::string& uid) { deps.changes.probe(uid); });
  if (deps.cluster.objects) deps.cluster.objects->on_change([this](const std::vector<std::string>& uids) { deps.changes.objects(uids); });
}

pods::PodWorkerDeps PodLife::worker_deps() {
  NodeRuntime& node = deps.node;
  pods::PodWorkerDeps out{deps.runtime,
                          deps.cri,
                          node.pods,
                          node.images,
                          *node.volumes,
                          *probes,
                          statuses,
                          deps.cluster.events,
                          node.cgroups.pods.get(),
                          deps.cluster.objects.get(),
                          &node.deps.plugins.devices};
  out.cpus = &node.deps.cpus;
  out.claims = &node.deps.plugins.claims;
  out.memory = &node.deps.memory;
  out.allocator = &deps.allocator;
  out.client = deps.cluster.client;
  out.device_health = deps.facts.gates.enabled("ResourceHealthStatus");
  out.resize_init_containers = deps.facts.gates.enabled("InPlacePodVerticalScalingInitContainers");
  out.resize_pod_level = deps.facts.gates.enabled("InPlacePodLevelResourcesVerticalScaling");
  out.restart_all = deps.facts.gates.enabled("RestartAllContainersOnContainerExits");
  out.node_ips = [this] { return deps.options.node_ips; };
  out.runtime_name = [this](rt::Context ctx) { return deps.node.observer.runtime_name(std::move(ctx)); };
  if (deps.facts.gates.enabled("ReduceDefaultCrashLoopBackOffDecay")) {
    out.crash_backoff_initial = runtime::reduced_crash_backoff_initial;
    out.crash_backoff_max = runtime::reduced_crash_backoff_max;
  }
  const auto& most = deps.options.configuration.crash_loop_back_off.max_container_restart_period;
  if (most) out.crash_backoff_max = rt::Duration(most->nanos);
  out.admit_resize = [this](const Pod& pod) { return admit_resize(pod); };
  return out;
}

runtime::PlegDeps PodLife::pleg_deps() {
  runtime::PlegDeps out{deps.runtime};
  out.list = [this](rt::Context ctx) { return runtime::observe_all(deps.cri, std::move(ctx)); };
  out.seen = [this](const std::map<std::string, PodState>& all) {
    for (const auto& [uid, worker] : workers.all()) {
      const auto state = all.find(uid);
      if (state != all.end() && runtime::differs(worker->state(), state->second)) worker->wake();
    }
  };
  out.health_changed = [this] { deps.changes.node_status(); };
  return out;
}

std::optional<WaitingReason> PodLife::admit_resize(const Pod& pod) const {
  if (deps.node.deps.cpus.is_static() && rules::qos_class(pod) == "Guaranteed")
    return WaitingReason{"Infeasible", "Resize is infeasible for Guaranteed Pods alongside CPU Manager policy \"static\""};
  if (deps.node.deps.memory.is_static() && rules::qos_class(pod) == "Guaranteed")
    return WaitingReason{"Infeasible", "Resize is infeasible for Guaranteed Pods alongside Memory Manager policy \"Static\""};
  return admission::admit_resize(pod, workers.active(pod.metadata.uid), deps.facts.allocatable);
}

rt::Task<void> PodLife::follow_cpus(rt::Context ctx) {
  const cpu_manager::CpuManager& cpus = deps.node.deps.cpus;
  while (!ctx.done()) {
    const uint64_t seen = workers.changes().value();
    std::vector<cpu_manager::PlacedContainer> running;
    for (const auto& [uid, worker] : workers.all()) {
      for (const auto& container : worker->state().containers)
        if (container.phase == ContainerPhase::Running) running.push_back({container.id, cpus.cpus_of(uid, container.name)});
    }
    co_await placement.place(ctx, std::move(running));
    (void)co_await workers.changes().wait(ctx, seen + 1);
  }
}

void PodLife::follow_api() {
  if (!deps.cluster.informers) return;
  config.expect("api");
  client::InformerOptions mine;
  mine.field_selector = "spec.nodeName=" + deps.options.node_name;
  auto assigned = deps.cluster.informers->of<Pod>(pods_of_node, std::move(mine));
  const auto changed = [this, assigned] {
    if (!assigned.synced()) return;
    config.set("api", assigned.list());
    deps.changes.assigned_pods();
  };
  client::Informer<Pod>::Handler handler;
  handler.on_add = [changed](const PodPtr&, bool) { changed(); };
  handler.on_update = [changed](const PodPtr&, const PodPtr&) { changed(); };
  handler.on_delete = [changed](const PodPtr&) { changed(); };
  assigned.add_handler(std::move(handler));
  deps.tasks.spawn(first_pods(assigned));
}

// All pods of the node are known: what the runtime has besides them is nobody's.
rt::Task<void> PodLife::first_pods(client::Informer<Pod> assigned) {
  const auto synced = co_await assigned.wait_synced(deps.tasks.context());
  if (!synced) co_return;
  config.set("api", assigned.list());
  workers.look_again();
}

void PodLife::follow_runtime() {
  if (deps.node.deps.cpus.is_static()) {
    deps.node.deps.cpus.on_change([this] { workers.changes().increment(); });
    deps.tasks.spawn(follow_cpus(deps.tasks.context()));
  }
  deps.tasks.spawn(follow_events());
  pleg.start();
  logs.start();
}

// Each stream that is opened begins with a look at everything: what happened before it is not told.
rt::Task<void> PodLife::follow_events() {
  const rt::Context ctx = deps.tasks.context();
  rt::Backoff backoff(reconnect);
  cri::ContainerEventHandlers handlers;
  handlers.subscribed = [this] {
    workers.look_again();
    deps.tasks.spawn(look_later());
    deps.changes.node_status();
  };
  handlers.event = [this, &backoff](const cri::ContainerEvent& event) {
    backoff.reset();
    workers.container_event(event);
  };
  while (!ctx.done()) {
    const auto ended = co_await cri::follow_container_events(deps.cri, ctx, handlers);
    if (ctx.done()) break;
    log::info(1, "The runtime's event stream ended", {{"err", ended ? "" : ended.error().message}});
    const bool silent = !ended && ended.error().reason == Reason::MethodNotAllowed;
    if (silent) workers.look_again();
    const rt::Duration pause = silent ? look_without_events : backoff.next(deps.runtime.random());
    (void)co_await rt::sleep_for(ctx, pause);
  }
}

rt::Task<void> PodLife::look_later() {
  const auto slept = co_await rt::sleep_for(deps.tasks.context(), look_after_subscription);
  if (slept) workers.look_again();
}

rt::Task<void> PodLife::stop() {
  co_await pleg.stop();
  co_await logs.stop();
  co_await workers.stop();
  co_await probes->close();
  co_await statuses.stop();
}

}  // namespace pintle::kubelet

#include "kubelet/kubelet.h"

#include "kubelet/kubelet_host.h"
#include "kubelet/node_life.h"
#include "kubelet/node_plugins.h"
#include "kubelet/node_runtime.h"
#include "kubelet/pod_life.h"
#include "kubelet/pod_resources_api/server.h"
#include "kubelet/serving.h"
#include "kubelet/shutdown/shutdown_watch.h"
#include "os/service_manager.h"

namespace pintle::kubelet {

// The parts, each over those before it. start() makes them; where it fails early, the later ones are nullptr.
struct Kubelet::State {
  State(KubeletDeps deps_in, KubeletOptions options_in);

  rt::Task<Result<Unit>> start();
  rt::Task<Result<Unit>> make_parts();
  pod_resources_api::PodResourcesServerDeps pod_resources_deps();
  void follow_changes();
  void watch_shutdown();
  rt::Task<void> stop();

  const KubeletDeps deps;
  KubeletOptions options;
  const Paths paths;
  bool root_bound = false;  // start() made the root a mount
  NodeFacts facts;
  Changes changes;
  rt::TaskGroup tasks;
  std::unique_ptr<cri::RuntimeClient> cri;
  std::unique_ptr<ClusterAccess> cluster;
  std::unique_ptr<NodePlugins> plugins;
  std::unique_ptr<cpu_manager::CpuManager> cpus;
  std::unique_ptr<memory_manager::MemoryManager> memory;
  std::unique_ptr<allocation::PodAllocator> allocator;
  std::unique_ptr<NodeRuntime> node_runtime;
  std::unique_ptr<PodLife> pods;
  std::unique_ptr<NodeLife> node;
  std::unique_ptr<pod_resources_api::PodResourcesServer> pod_resources;
  std::unique_ptr<Host> host;
  std::unique_ptr<Serving> serving;
  std::unique_ptr<shutdown::ShutdownWatch> shutdown_watch;  // nullptr: nobody tells of shutdowns, or nothing is to be done at one
};

Kubelet::State::State(KubeletDeps deps_in, KubeletOptions options_in)
    : deps(deps_in),
      options(std::move(options_in)),
      paths(options.root_dir, options.configuration.pod_logs_dir.empty() ? "/var/log/pods" : options.configuration.pod_logs_dir) {}

rt::Task<Result<Unit>> Kubelet::State::make_parts() {
  rt::Runtime& runtime = deps.runtime;
  auto& configuration = options.configuration;
  CO_TRY_ASSIGN(root_bound, make_root(runtime.disk(), paths));
  CO_TRY_ASSIGN(facts, measure_node(paths, options));
  CO_TRY_ASSIGN(auto for_images, image_settings(runtime.disk(), options, facts));
  CO_TRY_ASSIGN(cri, connect_runtime(runtime, configuration));
  configuration.cgroup_driver = co_await cgroup_driver(runtime, *cri, configuration.cgroup_driver);
  CO_TRY_ASSIGN(auto cgroups, make_node_cgroups(configuration, facts));
  cluster = std::make_unique<ClusterAccess>(deps.client, options.node_name);
  plugins = std::make_unique<NodePlugins>(NodePluginsDeps{runtime, *cluster, paths, changes, facts});
  const auto of_cpus = cpu_manager::cpu_manager_options(configuration, facts.reserved, paths.root());
  CO_TRY_ASSIGN(cpus, cpu_manager::CpuManager::make(runtime, of_cpus));
  auto of_memory = memory_manager::memory_manager_options(configuration);
  of_memory.reserved_of_node = facts.kept_from_pods;
  of_memory.memory_bytes = facts.machine.memory_bytes;
  of_memory.root_dir = paths.root();
  CO_TRY_ASSIGN(memory, memory_manager::MemoryManager::make(runtime, of_memory));
  CO_TRY_ASSIGN(auto topology, allocation::topology_settings(configuration));
  allocator = std::make_unique<allocation::PodAllocator>(plugins->devices, *cpus, *memory, std::move(topology));
  const NodeRuntimeDeps for_runtime{runtime, *cri, *cluster, *plugins, *cpus, *memory, changes, paths, options, facts};
  node_runtime = std::make_unique<NodeRuntime>(for_runtime, std::move(cgroups), std::move(for_images));
  pods = std::make_unique<PodLife>(PodLifeDeps{runtime, *cri, *node_runtime, *cluster, *allocator, changes, options, facts, tasks});
  node = std::make_unique<NodeLife>(NodeLifeDeps{runtime, *cri, *node_runtime, *pods, *cluster, changes, paths, options, facts});
  pod_resources = std::make_unique<pod_resources_api::PodResourcesServer>(pod_resources_deps());
  host = std::make_unique<Host>(HostDeps{runtime,
                                         configuration,
                                         *cri,
                                         pods->workers,
                                         pods->statuses,
                                         pods->pleg,
                                         node->eviction,
                                         node->image_collector,
                                         node_runtime->credential_providers,
                                         node_runtime->volume_usages,
                                         plugins->devices,
                                         plugins->csi,
                                         plugins->claims,
                                         *allocator,
                                         *pod_resources,
                                         node_runtime->cgroups.machine.get(),
                                         options.node_name,
                                         paths.root(),
                                         options.provisioned_driver,
                                         paths.checkpoints(),
                                         facts.gates.enabled("ContainerCheckpoint")});
  serving =
      std::make_unique<Serving>(ServingDeps{runtime, *host, deps.client, options, facts.identity.hostname, tasks, [this] { return node->known(); }});
  co_return Unit{};
}

pod_resources_api::PodResourcesServerDeps Kubelet::State::pod_resources_deps() {
  pod_resources_api::PodResourcesServerDeps out{deps.runtime, paths.pod_resources(), plugins->devices, plugins->claims, *cpus, *memory};
  out.active_pods = [this] { return pods->workers.active(""); };
  out.pod = [this](const std::string& namespace_name, const std::string& name) -> const api::core_v1::Pod* {
    for (const auto& [uid, worker] : pods->workers.all()) {
      const auto& metadata = worker->pod()->metadata;
      if (metadata.name == name && metadata.namespace_ == namespace_name) return worker->pod().get();
    }
    return nullptr;
  };
  return out;
}

void Kubelet::State::follow_changes() {
  changes.images = [this] { node->images_changed(); };
  changes.node_status = [this] { node->status_changed(); };
  changes.node = [this] {
    if (const auto known = node->known()) node_runtime->volumes->node_changed(*known);
    node->duties.changed();
    serving->node_changed();
    if (const auto known = node->known()) {
      plugins->csi.node_known(known->metadata.uid);
      plugins->claims.node_known();
    }
  };
  plugins->on_csi_change([this] { node_runtime->volumes->plugins_changed(); });
  changes.pod_range = [this](std::string cidr) { tasks.spawn(node_runtime->tell_pod_cidr(tasks.context(), std::move(cidr))); };
  changes.assigned_pods = [this] { node->duties.changed(); };
  changes.probe = [this](const std::string& uid) { pods->workers.probe_changed(uid); };
  changes.devices = [this](const std::vector<std::string>& uids) {
    for (const std::string& uid : uids) pods->workers.probe_changed(uid);
  };
  changes.drivers = [this] {
    for (const auto& [uid, worker] : pods->workers.all())
      if (worker->awaits_drivers()) worker->objects_changed();
  };
  changes.objects = [this](const std::vector<std::string>& uids) { pods->workers.objects_changed(uids); };
}

rt::Task<Result<Unit>> Kubelet::State::start() {
  CO_TRY(co_await make_parts());
  follow_changes();
  node_runtime->volumes->start();
  CO_TRY(co_await plugins->load());
  CO_TRY(node->start());
  pods->follow_api();
  if (cluster->informers) cluster->informers->start();
  node->start_agent();
  co_await plugins->start();
  co_await pod_resources->start();
  pods->follow_runtime();
  if (options.configuration.rotate_certificates) cluster->renew_certificate(deps.runtime, certificates_dir(options));
  watch_shutdown();
  co_return co_await serving->start();
}

void Kubelet::State::watch_shutdown() {
  if (!node->duties.has_shutdown() || !os::has_service_manager()) return;
  shutdown::ShutdownWatchDeps watched{deps.runtime};
  watched.shut_down = [this](rt::Context ctx) { return node->duties.shut_down(std::move(ctx)); };
  watched.cancelled = [this] { node->duties.shutdown_cancelled(); };
  watched.tell = [this](std::string message) { cluster->tell_of_node("NodeShutdown", std::move(message)); };
  shutdown_watch = std::make_unique<shutdown::ShutdownWatch>(std::move(watched), node->duties.shutdown_time());
  shutdown_watch->start();
}

// From what drives the others to what they stand on.
rt::Task<void> Kubelet::State::stop() {
  const bool without_pods = !pods || pods->workers.all().empty();
  if (shutdown_watch) co_await shutdown_watch->stop();
  co_await tasks.close();
  if (serving) co_await serving->stop();
  if (pod_resources) co_await pod_resources->stop();
  if (node) co_await node->stop();
  if (pods) co_await pods->stop();
  if (node_runtime) co_await node_runtime->stop();
  if (memory) co_await memory->stop();
  if (cpus) co_await cpus->stop();
  if (plugins) co_await plugins->stop();
  if (cluster) co_await cluster->stop();
  if (cri) co_await cri->close();
  if (root_bound && without_pods) give_back_root(paths);  // pods live on in it
}

Kubelet::Kubelet(KubeletDeps deps, KubeletOptions options) : state_(std::make_unique<State>(deps, std::move(options))) {}
Kubelet::~Kubelet() = default;
rt::Task<Result<Unit>> Kubelet::start() { return state_->start(); }
rt::Task<void> Kubelet::stop() { return state_->stop(); }
bool Kubelet::has_shutdown() const { return state_->node && state_->node->duties.has_shutdown(); }
rt::Task<void> Kubelet::shut_down_pods(rt::Context ctx) { return state_->node->duties.shut_down(std::move(ctx)); }

}  // namespace pintle::kubelet

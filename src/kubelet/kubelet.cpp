#include "kubelet/kubelet.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/gen/node_v1.h"
#include "apimachinery/validation/node_labels.h"
#include "client/event_recorder.h"
#include "client/informers.h"
#include "component/feature_gates.h"
#include "component/log.h"
#include "component/serving/self_signed_certificate.h"
#include "cri/container_events.h"
#include "kubelet/admission/resize_admission.h"
#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/cgroups/cgroup_configuration.h"
#include "kubelet/configuration/validation.h"
#include "kubelet/eviction/manager.h"
#include "kubelet/kubelet_host.h"
#include "kubelet/logs/log_rotation.h"
#include "kubelet/node/node_agent.h"
#include "kubelet/node/node_duties.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/probes/probe_workers.h"
#include "kubelet/server/server.h"
#include "kubelet/types/pod.h"
#include "os/cgroup.h"
#include "os/machine.h"
#include "os/mount.h"
#include "rt/backoff.h"

namespace pintle::kubelet {

using namespace api::core_v1;
namespace log = component::log;

namespace {

constexpr auto* pods_of_node = "node";
constexpr auto* container_log_links = "/var/log/containers";  // to pods' logs, for those who gather them
constexpr rt::BackoffOptions reconnect{.initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(5)};
constexpr rt::Duration cgroup_driver_patience = std::chrono::seconds(5);   // with a runtime that does not answer
constexpr rt::Duration look_after_subscription = std::chrono::seconds(1);  // an event may fall between stream and list
constexpr rt::Duration look_without_events = std::chrono::seconds(5);      // a runtime that tells nothing

std::size_t parallel_pulls(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  if (config.serialize_image_pulls.value_or(true)) return 1;
  return config.max_parallel_image_pulls ? static_cast<std::size_t>(*config.max_parallel_image_pulls) : 0;
}

LogRotationOptions log_rotation(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  LogRotationOptions out;
  if (const auto size = api::Quantity::parse(config.container_log_max_size); size && size->value() > 0)
    out.bytes_max = static_cast<uint64_t>(size->value());
  if (config.container_log_max_files) out.files_max = static_cast<std::size_t>(*config.container_log_max_files);
  if (config.container_log_monitor_interval && config.container_log_monitor_interval->nanos > 0)
    out.look_every = rt::Duration(config.container_log_monitor_interval->nanos);
  return out;
}

// What the API server would refuse of this node for ever is told at once.
Result<Unit> check_labels(const FlatMap<std::string>& labels) {
  for (const auto& [key, value] : labels)
    if (apimachinery::label_is_kept_from_nodes(key))
      return bad_request("a node may not give itself the label " + key + ": kubernetes.io and k8s.io are the cluster's");
  return Unit{};
}

}  // namespace

// The parts, in the order in which each needs those before it.
struct Kubelet::State {
  explicit State(KubeletSetup setup_in);

  rt::Task<Result<Unit>> start();
  rt::Task<void> ask_cgroup_driver();
  rt::Task<Result<HandlerFeatures>> features_for(rt::Context ctx, PodPtr pod);
  rt::Task<Result<Unit>> serve();
  rt::Task<Result<server::ServingFiles>> serving_files();
  rt::Task<void> serve_when_certified();
  rt::Task<Result<Unit>> start_server(server::ServingFiles files);
  std::string cert_dir() const { return setup.cert_dir.empty() ? paths.root() + "/pki" : setup.cert_dir; }
  void renew_client_certificate();
  NodeIdentity identity() const;
  Result<Unit> take_duties();
  rt::Task<void> stop();

  Result<Unit> measure();
  Result<Unit> check_swap() const;
  Result<Unit> make_runtime_client();
  Result<Unit> make_cgroups();
  Result<Unit> make_parts();
  void make_workers();
  void make_eviction();
  void warn_of_node(std::string_view reason, std::string message);
  void follow_api();
  void follow_changes();
  NodeConfig node_config() const;
  rt::Task<void> follow_events();
  rt::Task<void> first_pods(client::Informer<Pod> assigned);
  rt::Task<void> look_later();
  rt::Task<Result<std::string>> runtime_handler(rt::Context ctx, std::string runtime_class);
  rt::Task<void> tell_pod_cidr(std::string pod_cidr);

  KubeletSetup setup;
  rt::Runtime& runtime;
  const Paths paths;
  component::FeatureGates gates;
  os::MachineFacts machine;
  ResourceList capacity;
  ResourceList allocatable;
  std::vector<Threshold> thresholds;
  ImagePolicy image_rules;
  ResourceList for_pods;  // what the cgroup of all pods is limited to
  PodConfig config;
  std::unique_ptr<client::EventRecorder> recorder;
  std::unique_ptr<PodEvents> events;
  std::unique_ptr<client::Informers> informers;
  std::optional<client::Informer<Service>> services;
  std::unique_ptr<ReferencedObjects> objects;
  std::unique_ptr<cri::RuntimeClient> cri;
  std::unique_ptr<CriObserver> observer;
  std::unique_ptr<os::Cgroups> machine_cgroups;
  std::unique_ptr<PodCgroups> cgroups;
  std::unique_ptr<VolumeManager> volumes;
  std::unique_ptr<UserNamespaceRanges> user_namespaces;
  std::unique_ptr<Configurator> configurator;
  std::unique_ptr<ImageAccess> image_access;
  std::unique_ptr<ImagePuller> images;
  std::unique_ptr<LifecycleHooks> hooks;
  std::unique_ptr<PodRuntime> pods;
  std::unique_ptr<ProbeManager> probes;
  std::unique_ptr<StatusManager> statuses;
  std::unique_ptr<PodWorkers> workers;
  std::unique_ptr<ImageCollector> image_collector;
  std::unique_ptr<EvictionManager> eviction;
  std::unique_ptr<NodeDuties> duties;
  std::unique_ptr<NodeAgent> node;
  std::unique_ptr<CertificateManager> client_certificate;
  std::unique_ptr<CertificateManager> serving_certificate;
  std::unique_ptr<component::SelfSignedCertificate> self_signed_certificate;
  std::unique_ptr<LogRotator> logs;
  std::unique_ptr<Host> host;
  std::unique_ptr<server::KubeletServer> server;
  bool cgroup_v2 = false;
  bool swap_controller = false;
  std::vector<std::string> masked_paths;
  rt::TaskGroup tasks;
};

Kubelet::State::State(KubeletSetup setup_in)
    : setup(std::move(setup_in)),
      runtime(setup.runtime),
      paths(setup.root_dir, setup.configuration.pod_logs_dir.empty() ? "/var/log/pods" : setup.configuration.pod_logs_dir) {}

// What the machine has, and what of it pods may use.
Result<Unit> Kubelet::State::measure() {
  const auto& configuration = setup.configuration;
  TRY_ASSIGN(gates, feature_gates(configuration));
  TRY_ASSIGN(machine, os::machine_facts());
  TRY(check_swap());
  masked_paths = os::thermal_throttle_paths();
  TRY(runtime.disk().make_directories(paths.pods(), 0750));
  // Containers may want to see what is mounted later; and another kubelet that takes the root over finds it as it wants it,
  // instead of binding it over our mounts.
  if (const auto shared = os::share_mounts(paths.root()); !shared)
    return error(shared.error().reason, "the root directory: " + shared.error().message);
  NodeSize size;
  size.machine = machine;
  if (const auto usage = os::file_system_usage(paths.root())) size.storage_bytes = usage->capacity_bytes;
  size.max_pods = configuration.max_pods;
  size.pods_per_core = configuration.pods_per_core;
  capacity = node_capacity(size);
  TRY_ASSIGN(const auto reserved, reserved_resources(configuration));
  TRY_ASSIGN(const auto hard, hard_eviction_thresholds(configuration));
  TRY_ASSIGN(thresholds, eviction_thresholds(configuration));
  TRY_ASSIGN(image_rules, image_policy(configuration));
  allocatable = node_allocatable(capacity, reserved, hard);
  for_pods = enforces(configuration, "pods") ? allocatable_for_pods(capacity, reserved) : capacity;
  return Unit{};
}

Result<Unit> Kubelet::State::check_swap() const {
  if (!setup.configuration.fail_swap_on.value_or(true) || machine.swap_bytes == 0) return Unit{};
  return error(Reason::Invalid,
               fmt::format("this machine swaps ({} MiB), and failSwapOn (--fail-swap-on) refuses that: turn swap off, or set it to false",
                           machine.swap_bytes >> 20));
}

NodeConfig Kubelet::State::node_config() const {
  const auto& configuration = setup.configuration;
  NodeConfig out;
  out.node_name = setup.node_name;
  out.node_ips = setup.node_ips;
  out.allocatable = allocatable;
  out.memory_capacity_bytes = static_cast<int64_t>(machine.memory_bytes);
  out.hugepage_sizes_bytes = machine.hugepage_sizes_bytes;
  out.paths = paths;
  out.cluster_domain = configuration.cluster_domain;
  out.cluster_dns = configuration.cluster_dns;
  const std::string resolv_conf = configuration.resolv_conf.value_or("/etc/resolv.conf");
  out.has_resolv_conf = !resolv_conf.empty();
  if (out.has_resolv_conf) out.resolv_conf = runtime.disk().read(resolv_conf).value_or("");
  out.hosts_file = runtime.disk().read("/etc/hosts").value_or("");
  out.cpu_cfs_quota = configuration.cpu_cfs_quota.value_or(true);
  out.cpu_cfs_period_us = cpu_cfs_period_us(configuration).value_or(out.cpu_cfs_period_us);  // make_cgroups() has refused a wrong one
  out.seccomp_default = configuration.seccomp_default.value_or(false);
  out.cgroup_v2 = cgroup_v2;
  out.single_process_oom_kill = configuration.single_process_oom_kill.value_or(!cgroup_v2);
  out.swap_controller = swap_controller;
  out.limited_swap = configuration.memory_swap.swap_behavior == "LimitedSwap";
  out.swap_capacity_bytes = static_cast<int64_t>(machine.swap_bytes);
  out.more_masked_paths = masked_paths;
  return out;
}

Result<Unit> Kubelet::State::make_cgroups() {
  TRY_ASSIGN(PodCgroupOptions options, pod_cgroup_options(setup.configuration));
  TRY_ASSIGN(const auto reserved, reserved_cgroups(setup.configuration));
  if (!setup.configuration.cgroups_per_qos.value_or(true)) return Unit{};
  TRY_ASSIGN(machine_cgroups, os::make_cgroups());
  cgroup_v2 = machine_cgroups->version() == os::CgroupVersion::V2;
  if (!cgroup_v2 && setup.configuration.fail_cgroup_v_1.value_or(true))
    return error(Reason::Invalid,
                 "this machine has cgroups of version 1, and failCgroupV1 (--fail-cgroupv1) refuses them: boot it with version 2, or "
                 "set it to false");
  options.hugepage_sizes_bytes = machine.hugepage_sizes_bytes;
  cgroups = std::make_unique<PodCgroups>(*machine_cgroups, std::move(options));
  TRY(cgroups->set_up(for_pods));
  swap_controller = cgroups->limits_swap();
  return enforce(*machine_cgroups, reserved);
}

Result<Unit> Kubelet::State::make_runtime_client() {
  const auto& configuration = setup.configuration;
  cri::RuntimeClientOptions at;
  at.endpoint = configuration.container_runtime_endpoint;
  at.image_endpoint = configuration.image_service_endpoint;
  if (configuration.runtime_request_timeout.nanos > 0) at.request_timeout = rt::Duration(configuration.runtime_request_timeout.nanos);
  TRY_ASSIGN(cri, cri::RuntimeClient::make(runtime, at));
  return Unit{};
}

// Kubelet and runtime must name cgroups alike: what the runtime says outweighs the configuration. An older one does not know the
// question, and one that does not run yet is not waited for.
rt::Task<void> Kubelet::State::ask_cgroup_driver() {
  const rt::Context bounded = rt::Context::background().with_timeout(cgroup_driver_patience);
  rt::Backoff backoff(reconnect);
  std::string& driver = setup.configuration.cgroup_driver;
  while (true) {
    const auto answer = co_await cri->runtime_config(bounded);
    if (answer) {
      if (!answer->linux) co_return;
      const std::string told = answer->linux->cgroup_driver == api::cri_v1::CgroupDriver::Systemd ? "systemd" : "cgroupfs";
      if (told != driver) log::info(0, "The runtime's cgroup driver is taken", {{"runtime", told}, {"configured", driver}});
      driver = told;
      co_return;
    }
    if (answer.error().reason == Reason::MethodNotAllowed) co_return;
    if (!bounded.done()) (void)co_await rt::sleep_for(bounded, backoff.next(runtime.random()));
    if (!bounded.done()) continue;
    log::warning("The runtime does not say its cgroup driver; the configured one is taken", {{"driver", driver}, {"err", answer.error().message}});
    co_return;
  }
}

// What the handler of the pod's RuntimeClass can do, as the runtime says now.
rt::Task<Result<HandlerFeatures>> Kubelet::State::features_for(rt::Context ctx, PodPtr pod) {
  CO_TRY_ASSIGN(const std::string handler, co_await runtime_handler(ctx, pod->spec.runtime_class_name.value_or("")));
  CO_TRY_ASSIGN(const auto status, co_await cri->status(ctx, false));
  co_return handler_features(status, handler);
}

Result<Unit> Kubelet::State::make_parts() {
  const auto& configuration = setup.configuration;
  if (setup.client) {
    recorder = std::make_unique<client::EventRecorder>(*setup.client, client::EventSource{"kubelet", setup.node_name});
    informers = std::make_unique<client::Informers>(*setup.client);
    objects = make_referenced_objects(*setup.client);
  }
  events = std::make_unique<PodEvents>(recorder.get());
  observer = std::make_unique<CriObserver>(*cri);
  TRY(make_cgroups());
  VolumeManagerSetup volume_setup{runtime, setup.client, objects.get(), paths};
  volume_setup.node_allocatable = [this] { return allocatable; };
  const auto warn = [this](const Pod& pod, std::string_view reason, const std::string& message) { events->warning(pod, "", reason, message); };
  volume_setup.warn = warn;
  volumes = make_volume_manager(std::move(volume_setup));
  ConfiguratorSetup configurator_setup{runtime, *volumes, objects.get()};
  configurator_setup.node = [this] { return node_config(); };
  configurator_setup.services = [this]() -> std::optional<std::vector<std::shared_ptr<const Service>>> {
    if (!services) return std::vector<std::shared_ptr<const Service>>();
    if (!services->synced()) return std::nullopt;
    return services->list();
  };
  configurator_setup.cgroup_parent = [this](const Pod& pod) { return cgroups ? cgroups->parent_of(pod) : std::string(); };
  configurator_setup.warn = warn;
  configurator_setup.handler_features = [this](rt::Context ctx, PodPtr pod) { return features_for(std::move(ctx), std::move(pod)); };
  UserNamespaceOptions ranges{.pods_max = static_cast<uint32_t>(std::max(configuration.max_pods, 1))};
  if (configuration.user_namespaces && configuration.user_namespaces->ids_per_pod)
    ranges.ids_per_pod = static_cast<uint32_t>(*configuration.user_namespaces->ids_per_pod);
  user_namespaces = std::make_unique<UserNamespaceRanges>(runtime.disk(), paths, ranges);
  configurator_setup.user_namespaces = user_namespaces.get();
  configurator = std::make_unique<Configurator>(std::move(configurator_setup));
  ImagePullerSetup pulling{runtime, *cri, *events, objects.get(), parallel_pulls(configuration)};
  pulling.pulled = [this] {
    if (node) node->images_changed();
  };
  TRY_ASSIGN(auto verification, VerificationPolicy::make(configuration));
  image_access = std::make_unique<ImageAccess>(runtime, *cri, std::move(verification), paths.root());
  pulling.access = image_access.get();
  images = std::make_unique<ImagePuller>(std::move(pulling));
  hooks = std::make_unique<LifecycleHooks>(runtime, *cri);
  make_workers();
  make_eviction();
  host = std::make_unique<Host>(HostSetup{runtime, setup.configuration, *cri, *workers, *statuses, *eviction, *image_collector, machine_cgroups.get(),
                                          setup.node_name, paths.root()});
  return Unit{};
}

namespace {

rt::Task<Result<ExecOutput>> exec_for_probe(cri::RuntimeClient& cri, rt::Context ctx, std::string id, std::vector<std::string> command,
                                            rt::Duration timeout) {
  CO_TRY_ASSIGN(auto answer, co_await cri.exec_sync(std::move(ctx), std::move(id), std::move(command), timeout));
  ExecOutput out;
  out.exit_code = answer.exit_code;
  out.output = std::move(answer.stdout);
  out.output += answer.stderr;
  co_return std::move(out);
}

}  // namespace

void Kubelet::State::make_workers() {
  PodRuntimeSetup runtime_setup{runtime, *cri, *configurator, *images, *hooks, *events, paths, container_log_links};
  runtime_setup.runtime_handler = [this](rt::Context ctx, std::string name) { return runtime_handler(std::move(ctx), std::move(name)); };
  runtime_setup.node_ips = [this] { return setup.node_ips; };
  runtime_setup.node = [this] { return node_config(); };
  pods = std::make_unique<PodRuntime>(std::move(runtime_setup));
  ProbeSetup probe_setup{runtime};
  probe_setup.exec = [this](rt::Context ctx, std::string id, std::vector<std::string> command, rt::Duration timeout) {
    return exec_for_probe(*cri, std::move(ctx), std::move(id), std::move(command), timeout);
  };
  probe_setup.warn = [this](const Pod& pod, const std::string& container, std::string_view reason, std::string message) {
    events->warning(pod, container, reason, std::move(message));
  };
  probes = make_probe_manager(std::move(probe_setup));
  statuses = std::make_unique<StatusManager>(runtime, setup.client, config);
  PodWorkerDeps deps{runtime, *cri, *pods, *images, *volumes, *probes, *statuses, *events, cgroups.get(), objects.get(), setup.client};
  deps.node_ips = [this] { return setup.node_ips; };
  deps.runtime_name = [this](rt::Context ctx) { return observer->runtime_name(std::move(ctx)); };
  const auto& most = setup.configuration.crash_loop_back_off.max_container_restart_period;
  if (gates.enabled("ReduceDefaultCrashLoopBackOffDecay")) {
    deps.crash_backoff_initial = reduced_crash_backoff_initial;
    deps.crash_backoff_max = reduced_crash_backoff_max;
  }
  if (most) deps.crash_backoff_max = rt::Duration(most->nanos);
  workers = std::make_unique<PodWorkers>(std::move(deps), config);
  workers->set_resize_admission([this](const Pod& pod) { return admit_resize(pod, workers->active(pod.metadata.uid), allocatable); });
  logs = std::make_unique<LogRotator>(LogRotatorDeps{runtime, *cri, [this] { return workers->running_logs(); }}, log_rotation(setup.configuration));
}

void Kubelet::State::warn_of_node(std::string_view reason, std::string message) {
  if (recorder) recorder->warning(node_reference(setup.node_name), reason, std::move(message));
}

void Kubelet::State::make_eviction() {
  const auto& configuration = setup.configuration;
  const auto warn = [this](std::string_view reason, std::string message) { warn_of_node(reason, std::move(message)); };
  ImageCollectorSetup collector{runtime, *cri, image_rules, warn};
  collector.volume_images = [this] { return workers->volume_images(); };
  collector.pod_changes = [this] { return workers->changes().value(); };
  collector.access = image_access.get();
  collector.changed = [this] {
    if (node) node->images_changed();
  };
  image_collector = std::make_unique<ImageCollector>(std::move(collector));
  EvictionSetup evicting{runtime, *cri, *workers, *events, *image_collector, paths, cgroups.get(), thresholds};
  if (configuration.eviction_pressure_transition_period.nanos > 0)
    evicting.hold = rt::Duration(configuration.eviction_pressure_transition_period.nanos);
  evicting.max_grace_seconds = configuration.eviction_max_pod_grace_period;
  evicting.storage_limits = configuration.local_storage_capacity_isolation.value_or(true);
  // Who asks for faster updates of the node's status means what they tell too.
  evicting.look_every = std::min(evicting.look_every, node_timing(configuration).status_update);
  evicting.memory_for_pods_bytes = resource_value(for_pods, "memory");
  evicting.warn = warn;
  evicting.changed = [this] {
    if (node) node->poke();
  };
  eviction = std::make_unique<EvictionManager>(std::move(evicting));
}

void Kubelet::State::follow_api() {
  if (!setup.client) return;
  config.expect("api");
  client::InformerOptions mine;
  mine.field_selector = "spec.nodeName=" + setup.node_name;
  auto assigned = informers->of<Pod>(pods_of_node, std::move(mine));
  services = informers->of<Service>();
  const auto changed = [this, assigned] {
    if (!assigned.synced()) return;
    config.set("api", assigned.list());
    duties->changed();
  };
  client::Informer<Pod>::Handler handler;
  handler.on_add = [changed](const PodPtr&, bool) { changed(); };
  handler.on_update = [changed](const PodPtr&, const PodPtr&) { changed(); };
  handler.on_delete = [changed](const PodPtr&) { changed(); };
  assigned.add_handler(std::move(handler));
  tasks.spawn(first_pods(assigned));
  NodeAgentSetup agent{runtime, *setup.client, *informers, *recorder, *observer};
  agent.identity = identity();
  agent.timing = node_timing(setup.configuration);
  agent.capacity = capacity;
  agent.allocatable = allocatable;
  agent.machine = machine;
  agent.register_node = setup.configuration.register_node.value_or(true);
  agent.pressure = [this] { return eviction->pressure(); };
  agent.other_errors = [this] { return duties->not_ready(); };
  agent.on_pod_cidrs = [this](const std::vector<std::string>& cidrs) {
    if (!cidrs.empty()) tasks.spawn(tell_pod_cidr(cidrs.front()));
  };
  agent.on_node = [this] {
    duties->changed();
    if (serving_certificate) serving_certificate->poke();
  };
  node = std::make_unique<NodeAgent>(std::move(agent));
}

NodeIdentity Kubelet::State::identity() const {
  const auto& configuration = setup.configuration;
  NodeIdentity out;
  out.name = setup.node_name;
  out.hostname = setup.hostname.empty() ? machine.hostname : setup.hostname;
  out.ips = setup.node_ips;
  out.labels = setup.node_labels;
  out.taints = configuration.register_with_taints;
  out.provider_id = setup.provider_id.empty() ? configuration.provider_id : setup.provider_id;
  out.external_cloud_provider = setup.external_cloud_provider;
  out.controller_attach_detach = configuration.enable_controller_attach_detach.value_or(true);
  out.kubelet_port = configuration.port;
  out.status_images_max = configuration.node_status_max_images.value_or(50);
  return out;
}

Result<Unit> Kubelet::State::take_duties() {
  NodeDutiesSetup duty{runtime, setup.client, setup.configuration, config, *workers, *events};
  duty.identity = identity();
  duty.machine = machine;
  duty.allocatable = allocatable;
  duty.pressure = [this] { return eviction->pressure(); };
  duty.node = [this] { return node ? node->node() : nullptr; };
  duty.status_changed = [this] {
    if (node) node->poke();
  };
  duties = std::make_unique<NodeDuties>(std::move(duty));
  return duties->start();
}

// All pods of the node are known: what the runtime has besides them is nobody's.
rt::Task<void> Kubelet::State::first_pods(client::Informer<Pod> assigned) {
  const auto synced = co_await assigned.wait_synced(tasks.context());
  if (!synced) co_return;
  config.set("api", assigned.list());
  workers->look_again();
}

void Kubelet::State::follow_changes() {
  probes->on_change([this](const std::string& uid) { workers->probe_changed(uid); });
  if (objects) objects->on_change([this](const std::vector<std::string>& uids) { workers->objects_changed(uids); });
}

rt::Task<Result<Unit>> Kubelet::State::start() {
  CO_TRY(check_labels(setup.node_labels));
  CO_TRY(measure());
  CO_TRY(make_runtime_client());
  co_await ask_cgroup_driver();
  CO_TRY(make_parts());
  follow_changes();
  CO_TRY(take_duties());
  eviction->start();
  follow_api();
  if (informers) informers->start();
  if (node) node->start();
  tasks.spawn(follow_events());
  logs->start();
  renew_client_certificate();
  co_return co_await serve();
}

void Kubelet::State::renew_client_certificate() {
  if (!setup.configuration.rotate_certificates || !setup.client) return;
  CertificateManagerSetup wanted{runtime, *setup.client, cert_dir(), "kubelet-client", client_signer};
  wanted.wanted = [this]() -> std::optional<component::CertificateSpec> { return client_certificate_spec(setup.node_name); };
  client_certificate = std::make_unique<CertificateManager>(std::move(wanted));
  client_certificate->start();
}

// What is configured; else a certificate that the cluster signs for the node's addresses; else one of our own.
rt::Task<Result<server::ServingFiles>> Kubelet::State::serving_files() {
  const auto& configuration = setup.configuration;
  if (!configuration.tls_cert_file.empty()) co_return server::ServingFiles{configuration.tls_cert_file, configuration.tls_private_key_file};
  if (configuration.server_tls_bootstrap && setup.client) {
    CertificateManagerSetup wanted{runtime, *setup.client, cert_dir(), "kubelet-server", serving_signer};
    wanted.authority_pem = setup.serving_authority_pem;
    wanted.wanted = [this]() -> std::optional<component::CertificateSpec> {
      const auto known = node ? node->node() : nullptr;
      return known ? serving_certificate_spec(setup.node_name, known->status.addresses) : std::nullopt;
    };
    serving_certificate = std::make_unique<CertificateManager>(std::move(wanted));
    serving_certificate->start();
    CO_TRY(co_await serving_certificate->wait_ready(tasks.context()));
    co_return server::ServingFiles{serving_certificate->path(), serving_certificate->path()};
  }
  const std::string hostname = identity().hostname, pair = cert_dir() + "/kubelet";
  component::SelfSignedSetup wanted{.runtime = runtime, .cert_file = pair + ".crt", .key_file = pair + ".key", .common_name = hostname};
  wanted.dns_names = {hostname};
  wanted.ip_addresses = setup.node_ips;
  self_signed_certificate = std::make_unique<component::SelfSignedCertificate>(std::move(wanted));
  Result<Unit> made;
  co_await runtime.run_blocking([this, &made] { made = self_signed_certificate->ensure(); });
  CO_TRY(std::move(made));
  self_signed_certificate->start();
  co_return server::ServingFiles{self_signed_certificate->cert_file(), self_signed_certificate->key_file()};
}

// The server waits for its certificate, and nothing else waits for the server.
rt::Task<void> Kubelet::State::serve_when_certified() {
  auto files = co_await serving_files();
  if (!files) {
    if (!tasks.context().done()) log::error("The kubelet's server has no certificate", files.error());
    co_return;
  }
  auto started = co_await start_server(std::move(*files));
  if (!started) log::error("The kubelet's server does not run", started.error());
}

rt::Task<Result<Unit>> Kubelet::State::serve() {
  const auto& configuration = setup.configuration;
  if (!configuration.enable_server.value_or(true)) co_return Unit{};
  if (configuration.server_tls_bootstrap && configuration.tls_cert_file.empty() && setup.client) {
    tasks.spawn(serve_when_certified());
    co_return Unit{};
  }
  CO_TRY_ASSIGN(auto files, co_await serving_files());
  co_return co_await start_server(std::move(files));
}

rt::Task<Result<Unit>> Kubelet::State::start_server(server::ServingFiles files) {
  server::KubeletServerSetup server_setup{runtime, *host, rt::Executor::current(), setup.client, files.cert_file, files.key_file};
  server = std::make_unique<server::KubeletServer>(std::move(server_setup));
  co_return co_await server->start();
}

// Each stream that is opened begins with a look at everything: what happened before it is not told.
rt::Task<void> Kubelet::State::follow_events() {
  const rt::Context ctx = tasks.context();
  rt::Backoff backoff(reconnect);
  cri::ContainerEventHandlers handlers;
  handlers.subscribed = [this, &backoff] {
    workers->look_again();
    tasks.spawn(look_later());
    if (node) node->poke();
  };
  handlers.event = [this, &backoff](const cri::ContainerEvent& event) {
    backoff.reset();
    workers->container_event(event);
  };
  while (!ctx.done()) {
    const auto ended = co_await cri::follow_container_events(*cri, ctx, handlers);
    if (ctx.done()) break;
    log::info(1, "The runtime's event stream ended", {{"err", ended ? "" : ended.error().message}});
    const bool silent = !ended && ended.error().reason == Reason::MethodNotAllowed;
    if (silent) workers->look_again();
    const rt::Duration pause = silent ? look_without_events : backoff.next(runtime.random());
    (void)co_await rt::sleep_for(ctx, pause);
  }
}

rt::Task<void> Kubelet::State::look_later() {
  const auto slept = co_await rt::sleep_for(tasks.context(), look_after_subscription);
  if (slept) workers->look_again();
}

rt::Task<Result<std::string>> Kubelet::State::runtime_handler(rt::Context ctx, std::string runtime_class) {
  if (runtime_class.empty() || !setup.client) co_return std::string();
  auto found = co_await setup.client->get<api::node_v1::RuntimeClass>(ctx, std::string(), runtime_class);
  if (!found) co_return error(found.error().reason, "failed to get RuntimeClass " + runtime_class + ": " + found.error().message);
  co_return std::move(found->handler);
}

// Runtimes that write their network's configuration from a template want it; the others do not mind.
rt::Task<void> Kubelet::State::tell_pod_cidr(std::string pod_cidr) {
  const auto told = co_await cri->update_runtime_config(tasks.context(), std::move(pod_cidr));
  if (!told) log::info(2, "The runtime did not take the pod CIDR", {{"err", told.error().message}});
}

rt::Task<void> Kubelet::State::stop() {
  co_await tasks.close();
  if (server) co_await server->stop();
  if (client_certificate) co_await client_certificate->stop();
  if (serving_certificate) co_await serving_certificate->stop();
  if (self_signed_certificate) co_await self_signed_certificate->stop();
  if (node) co_await node->stop();
  if (duties) co_await duties->stop();
  if (eviction) co_await eviction->stop();
  if (logs) co_await logs->stop();
  if (workers) co_await workers->stop();
  if (probes) co_await probes->close();
  if (statuses) co_await statuses->stop();
  if (volumes) co_await volumes->stop();
  if (objects) co_await objects->stop();
  if (informers) co_await informers->stop();
  if (hooks) co_await hooks->close();
  if (recorder) co_await recorder->stop();
  if (cri) co_await cri->close();
}

Kubelet::Kubelet(KubeletSetup setup) : state_(std::make_unique<State>(std::move(setup))) {}
Kubelet::~Kubelet() = default;
rt::Task<Result<Unit>> Kubelet::start() { return state_->start(); }
rt::Task<void> Kubelet::stop() { return state_->stop(); }
server::KubeletHost& Kubelet::host() { return *state_->host; }
PodConfig& Kubelet::pod_config() { return state_->config; }
PodWorkers& Kubelet::workers() { return *state_->workers; }
bool Kubelet::has_shutdown() const { return state_->duties && state_->duties->has_shutdown(); }
rt::Task<void> Kubelet::shut_down_pods(rt::Context ctx) { return state_->duties->shut_down(std::move(ctx)); }
NodeAgent* Kubelet::node_agent() { return state_->node.get(); }

}  // namespace pintle::kubelet

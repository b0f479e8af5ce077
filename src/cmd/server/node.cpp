#include "cmd/server/node.h"

#include "cli/installation.h"
#include "cli/join.h"
#include "cli/preloaded_images.h"
#include "cli/removal.h"
#include "client/kubeconfig.h"
#include "cmd/oom_score.h"
#include "cmd/server/component_arguments.h"
#include "cmd/server/local_storage.h"
#include "component/command.h"
#include "component/log.h"
#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/configuration/defaults.h"
#include "kubelet/configuration/effects.h"
#include "kubelet/configuration/validation.h"
#include "proxy/effects.h"
#include "rt/backoff.h"

namespace pintle::cmd {

namespace {

constexpr auto refusal_patience = std::chrono::seconds(10);

namespace log = component::log;
using KubeletConfiguration = api::kubeletconfig_v1beta1::KubeletConfiguration;

Result<std::string> containerd_configuration(rt::Disk& disk, const cli::Layout& layout, const cli::ContainerdSettings& settings,
                                             const std::string& folder) {
  TRY_ASSIGN(const auto pieces, cli::containerd_config_pieces(disk, folder));
  return cli::merge_containerd_config(cli::containerd_config(layout, settings), pieces);
}

}  // namespace

Node::Node(rt::Runtime& runtime, const cli::ClusterConfig& config, cli::Layout layout, std::string name, std::string ip)
    : runtime_(runtime), config_(config), layout_(std::move(layout)), name_(std::move(name)), ip_(std::move(ip)) {}

Node::~Node() = default;

void Node::start_runtime() {
  if (!config_.node.runtime_endpoint.empty()) {
    containerd_result_ = Unit{};
    containerd_done_.set();
    return;
  }
  cli::ContainerdSettings settings = cli::detect_containerd_settings(layout_);
  settings.pause_image = config_.node.pause_image;
  settings.cni_bin_dir = cli::find_cni_plugins(runtime_.disk(), config_.node.cni_bin_dirs);
  if (settings.cni_bin_dir.empty()) {
    containerd_result_ = bad_request("no folder of --cni-bin-dir holds the CNI plugins bridge, host-local, loopback and portmap; see pintle check");
    containerd_done_.set();
    return;
  }
  settings.registry_config_dir = config_.node.registry_config_dir;
  const auto for_kubelet = kubelet_settings(config_, runtime_.disk());
  settings.systemd_cgroups = for_kubelet && for_kubelet->config.cgroup_driver == "systemd";  // an error is told when the kubelet starts
  auto config = containerd_configuration(runtime_.disk(), layout_, settings, config_.node.containerd_config_dir);
  if (!config) {
    containerd_result_ = Unexpected(std::move(config).error());
    containerd_done_.set();
    return;
  }
  containerd_ = std::make_unique<cli::Containerd>(runtime_, layout_, std::move(*config));
  tasks_.spawn(run_containerd());
}

rt::Task<void> Node::run_containerd() {
  containerd_result_ = co_await containerd_->start();
  containerd_done_.set();
}

rt::Task<Result<Unit>> Node::start(ControlPlane& control_plane) {
  component::CertificateSpec serving;
  serving.common_name = "system:node:" + name_;
  serving.organizations = {"system:nodes"};
  serving.dns_names = {name_};
  serving.ip_addresses = {ip_};
  serving.server = true;
  CO_TRY_ASSIGN(serving_certificate_, control_plane.certify_kubelet(std::move(serving)));
  cluster_ = {config_.cluster_cidr, config_.cluster_dns, config_.cluster_domain, true, std::string()};
  co_return co_await start_components(control_plane.client_for("system:node:" + name_));
}

// The cluster's certificate authority: kept from an earlier start, or learnt with the token.
rt::Task<Result<Unit>> Node::ensure_ca() {
  const std::string file = layout_.pki() + "/ca.crt";
  if (runtime_.disk().exists(file)) co_return Unit{};
  if (config_.token.empty()) co_return bad_request("--token is needed for the first start: it tells which cluster to trust");
  CO_TRY_ASSIGN(const std::string ca, co_await cli::discover_ca(runtime_, rt::Context::background(), config_.server_url, config_.token));
  CO_TRY(runtime_.disk().make_directories(layout_.pki(), 0700));
  co_return runtime_.disk().replace(file, ca, 0644);
}

rt::Task<Result<Unit>> Node::connect() {
  CO_TRY(co_await ensure_ca());
  client::ConnectionConfig config;
  config.client.server = config_.server_url;
  config.client.user_agent = "pintle";
  config.tls.ca_file = layout_.pki() + "/ca.crt";
  client::ConnectionConfig bootstrap = config;
  bootstrap.client.bearer_token = config_.token;
  CO_TRY_ASSIGN(const auto bootstrap_client, client::connect(runtime_, std::move(bootstrap)));
  auto certificate = co_await kubelet::certificates::bootstrap_client_certificate(rt::Context::background(), bootstrap_client.get(),
                                                                                  config_.node.kubelet_root_dir + "/pki", name_);
  co_await bootstrap_client->close();
  if (!certificate) {
    const bool unknown = certificate.error().reason == Reason::Unauthorized;
    const std::string hint = unknown ? ": the token is unknown or has expired (pintle token create makes one, on the server)" : "";
    co_return error(certificate.error().reason, "cannot join " + config_.server_url + ": " + certificate.error().message + hint);
  }
  config.tls.cert_file = config.tls.key_file = *certificate;
  CO_TRY_ASSIGN(own_client_, client::connect(runtime_, std::move(config)));
  auto facts =
      co_await own_client_->get<api::core_v1::ConfigMap>(rt::Context::background(), std::string("kube-system"), std::string("pintle-cluster"));
  if (!facts) co_return error(facts.error().reason, "cannot read what the cluster is like: " + facts.error().message);
  const auto fact = [&](std::string_view key) { return facts->data.contains(key) ? *facts->data.get(key) : std::string(); };
  cluster_ = {fact("clusterCIDR"), fact("clusterDNS"), fact("clusterDomain"), fact("localStorage") == "true", fact("kubeletServingCA")};
  co_return Unit{};
}

rt::Task<Result<Unit>> Node::join() {
  rt::BackoffOptions options;
  options.initial = std::chrono::milliseconds(200);
  options.max = std::chrono::seconds(10);
  rt::Backoff backoff(options);
  const rt::TimePoint began = runtime_.clock().now();
  while (true) {
    auto connected = co_await connect();
    if (connected) break;
    // A server that does not answer yet is waited for, and one that has just begun may not have signed for its token yet;
    // one that refuses us is not.
    const Reason reason = connected.error().reason;
    const bool early = reason == Reason::Unauthorized && runtime_.clock().now() - began < refusal_patience;
    if (reason != Reason::ServiceUnavailable && reason != Reason::Timeout && !early) co_return connected;
    log::info(0, "Waiting for the server", {{"server", config_.server_url}, {"err", connected.error().message}});
    CO_TRY(co_await rt::sleep_for(tasks_.context(), backoff.next(runtime_.random())));
  }
  co_return co_await start_components(*own_client_);
}

rt::Task<Result<Unit>> Node::start_components(client::Client& client) {
  if (!config_.disabled("proxy")) CO_TRY(co_await start_proxy(client));
  CO_TRY(co_await start_pod_network(client));
  CO_TRY(co_await start_kubelet(client));
  if (!cluster_.local_storage || config_.disabled("local-storage")) co_return Unit{};
  co_return co_await start_local_storage();
}

rt::Task<Result<Unit>> Node::start_pod_network(client::Client& client) {
  // A foreign runtime has a network of its own.
  if (containerd_ == nullptr) co_return Unit{};
  using cni::routes::Mode;
  const Mode mode = config_.node.network_mode == "vxlan" ? Mode::Vxlan : config_.node.network_mode == "host-gw" ? Mode::HostGateway : Mode::None;
  cni::NodeConflistSetup conflist{runtime_, client, name_, layout_.cni_conf(), {}};
  conflist.settings.data_dir = layout_.data_dir + "/cni/networks";
  CO_TRY_ASSIGN(conflist.settings.mtu, cni::routes::find_pod_mtu(mode, ip_));
  conflist_ = std::make_unique<cni::NodeConflist>(std::move(conflist));
  conflist_->start();
  if (mode == Mode::None || config_.disabled("routes")) co_return Unit{};
  cni::routes::NodeRoutesSetup routes{.runtime = runtime_, .client = client, .node_name = name_, .mode = mode};
  if (!cluster_.cidr.empty()) routes.cluster_cidrs = {cluster_.cidr};
  routes_ = std::make_unique<cni::routes::NodeRoutes>(std::move(routes));
  co_return co_await routes_->start();
}

rt::Task<Result<Unit>> Node::start_proxy(client::Client& client) {
  proxy::ProxySetup setup{.runtime = runtime_, .client = client};
  CO_TRY_ASSIGN(setup.config, proxy_configuration(config_, runtime_.disk(), cluster_.cidr));
  component::announce_without_effect("kube-proxy", {}, proxy::settings_without_effect(setup.config));
  setup.node_name = name_;
  proxy_ = std::make_unique<proxy::Proxy>(std::move(setup));
  co_return co_await proxy_->start();
}

Result<KubeletSettings> Node::settle_kubelet() const {
  TRY_ASSIGN(KubeletSettings settings, kubelet_settings(config_, runtime_.disk()));
  KubeletConfiguration& config = settings.config;
  const bool own_runtime = config_.node.runtime_endpoint.empty();
  config.container_runtime_endpoint = own_runtime ? containerd_->endpoint() : config_.node.runtime_endpoint;
  if (config.static_pod_path.empty()) config.static_pod_path = layout_.data_dir + "/static-pods";
  config.pod_logs_dir = config_.node.pod_logs_dir;
  config.cgroup_root = config_.node.cgroup_root.empty() ? "/" : config_.node.cgroup_root;
  if (config.cluster_dns.empty() && !cluster_.dns.empty()) config.cluster_dns = {cluster_.dns};
  if (config.cluster_domain.empty()) config.cluster_domain = cluster_.domain;
  if (!config.fail_swap_on) config.fail_swap_on = false;
  if (!config.fail_cgroup_v_1) config.fail_cgroup_v_1 = false;
  for (const cli::NodeTaint& taint : config_.node.taints) {
    auto& made = config.register_with_taints.emplace_back();
    made.key = taint.key;
    made.value = taint.value;
    made.effect = taint.effect;
  }
  config.authentication.x509.client_ca_file = layout_.pki() + "/ca.crt";
  if (!serving_certificate_.empty()) {
    config.tls_cert_file = serving_certificate_ + ".crt";
    config.tls_private_key_file = serving_certificate_ + ".key";
  } else {
    config.server_tls_bootstrap = true;
    config.rotate_certificates = true;
  }
  for (const auto& [gate, on] : config_.wanted_gates)
    if (!config.feature_gates.contains(gate)) config.feature_gates[gate] = on;
  // One process for all: only who asks for a score gets it.
  const std::optional<int32_t> oom_score = config.oom_score_adj;
  kubelet::configuration::apply_defaults(config);
  TRY(kubelet::configuration::validate(config));
  if (oom_score) set_oom_score(*oom_score);
  return settings;
}

// --feature-gates is for all components, and what the kubelet does not ask others may.
void Node::announce_idle(const KubeletSettings& settings) const {
  constexpr std::string_view gate = "featureGates.";
  std::vector<std::string> names = kubelet::configuration::settings_without_effect(settings.config);
  std::erase_if(names, [&](const std::string& field) { return field.starts_with(gate) && config_.wanted_gates.contains(field.substr(gate.size())); });
  component::announce_without_effect("kubelet", settings.without_effect, names);
}

rt::Task<Result<Unit>> Node::start_kubelet(client::Client& client) {
  CO_TRY(co_await containerd_done_.wait(rt::Context::background()));
  if (!*containerd_result_) co_return Unexpected(containerd_result_->error());
  std::vector<std::string> preloaded;
  if (containerd_ != nullptr)
    preloaded = co_await cli::load_images(runtime_, layout_);
  else if (cli::has_image_archives(runtime_.disk(), layout_))
    log::warning("Archives of images are not loaded into a container runtime that is not ours", {{"folder", layout_.images()}});
  kubelet::KubeletOptions options;
  CO_TRY_ASSIGN(KubeletSettings settings, settle_kubelet());
  announce_idle(settings);
  options.configuration = std::move(settings.config);
  options.provider_id = std::move(settings.provider_id);
  options.credential_provider_config = std::move(settings.credential_provider_config);
  options.credential_provider_bin_dir = std::move(settings.credential_provider_bin_dir);
  options.external_cloud_provider = settings.external_cloud_provider;
  options.node_name = options.hostname = name_;
  options.node_ips = {ip_};
  options.root_dir = config_.node.kubelet_root_dir;
  options.provisioned_driver = csi_local::driver_name;
  options.pinned_images = std::move(preloaded);
  CO_TRY(cli::claim_kubelet_root(runtime_.disk(), options.root_dir));
  options.serving_authority_pem = cluster_.serving_ca_pem;
  for (const std::string& label : config_.node.labels) options.node_labels[label.substr(0, label.find('='))] = label.substr(label.find('=') + 1);
  kubelet_ = std::make_unique<kubelet::Kubelet>(kubelet::KubeletDeps{runtime_, &client}, std::move(options));
  co_return co_await kubelet_->start();
}

// The driver in the box as any other: by sockets where the kubelet looks for them.
rt::Task<Result<Unit>> Node::start_local_storage() {
  csi_local::LocalDriverOptions options;
  options.endpoint = local_storage_endpoint(config_.node.kubelet_root_dir);
  options.registration = config_.node.kubelet_root_dir + "/plugins_registry/local-reg.sock";
  options.node_name = name_;
  CO_TRY_ASSIGN(options.pools, csi_local::parse_pools("local-storage-", config_.local_storage_paths, config_.local_storage_capacities));
  storage_driver_ = std::make_unique<csi_local::LocalDriver>(runtime_, std::move(options));
  co_return co_await storage_driver_->start();
}

rt::Task<void> Node::stop() {
  if (kubelet_) co_await kubelet_->stop();
  if (storage_driver_) co_await storage_driver_->stop();  // after its client
  if (routes_) co_await routes_->stop();
  if (conflist_) co_await conflist_->stop();
  if (proxy_) co_await proxy_->stop();
  if (own_client_) co_await own_client_->close();
  co_await tasks_.join();
  if (containerd_) co_await containerd_->stop();
}

}  // namespace pintle::cmd

#include "cmd/server/control_plane.h"

#include <algorithm>
#include <chrono>

#include "api/gen/storage_v1.h"
#include "base/ip_address.h"
#include "cli/addons.h"
#include "cli/bootstrap_token.h"
#include "client/kubeconfig.h"
#include "cmd/server/component_arguments.h"
#include "cmd/server/manager_options.h"
#include "component/command.h"
#include "component/log.h"
#include "controller/framework/host_directories.h"
#include "csi_local/requests.h"
#include "dns/client_ranges.h"
#include "os/machine.h"

namespace pintle::cmd {
namespace {

namespace log = component::log;

constexpr const char* kubelet_certificate = "kubelet";
// Certificates are looked at again at least this often: a clock that was set forward is noticed.
constexpr int64_t certificate_check_seconds_max = 24 * 3600;

std::string url_host(const std::string& address) { return address.find(':') == std::string::npos ? address : "[" + address + "]"; }

}  // namespace

ControlPlane::ControlPlane(rt::Runtime& runtime, const cli::ClusterConfig& config, cli::Layout layout, std::string node_name, std::string node_ip)
    : runtime_(runtime),
      config_(config),
      layout_(std::move(layout)),
      node_name_(std::move(node_name)),
      node_ip_(std::move(node_ip)),
      pki_(runtime, layout_.pki()),
      client_metrics_(runtime, metrics_) {}

ControlPlane::~ControlPlane() { CHECK(!tasks_, "await stop() before destroying ControlPlane"); }

component::PkiNames ControlPlane::serving_names() const {
  component::PkiNames names;
  const std::string service = "kubernetes.default.svc";
  names.dns_names = {"localhost", "kubernetes", "kubernetes.default", service, service + "." + config_.cluster_domain};
  if (std::find(names.dns_names.begin(), names.dns_names.end(), node_name_) == names.dns_names.end()) names.dns_names.push_back(node_name_);
  names.ip_addresses = {"127.0.0.1", "::1", node_ip_};
  if (auto first = cli::nth_address(config_.service_cidr, 1)) names.ip_addresses.push_back(*first);
  if (config_.bind_address != "0.0.0.0" && config_.bind_address != "::") names.ip_addresses.push_back(config_.bind_address);
  for (const std::string& san : config_.tls_sans) {
    (parse_address(san) ? names.ip_addresses : names.dns_names).push_back(san);
  }
  return names;
}

Result<apiserver::ApiServerOptions> ControlPlane::api_server_options() const {
  apiserver::ApiServerOptions options;
  options.bind_address = config_.bind_address;
  options.secure_port = config_.https_listen_port;
  options.advertise_address = node_ip_;
  options.tls_cert_file = pki_.path("apiserver.crt");
  options.tls_private_key_file = pki_.path("apiserver.key");
  options.client_ca_file = pki_.path("ca.crt");
  options.kubelet_client_certificate = pki_.path("apiserver-kubelet-client.crt");
  options.kubelet_client_key = pki_.path("apiserver-kubelet-client.key");
  options.kubelet_certificate_authority = pki_.path(std::string(component::Pki::kubelet_serving_ca) + ".crt");
  options.kubelet_preferred_address_types = {"InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS"};  // an address needs no DNS
  options.requestheader_client_ca_file = pki_.path("front-proxy-ca.crt");
  options.requestheader_allowed_names = {std::string(component::Pki::front_proxy_client)};
  options.requestheader_username_headers = {"X-Remote-User"};
  options.requestheader_uid_headers = {"X-Remote-Uid"};
  options.requestheader_group_headers = {"X-Remote-Group"};
  options.requestheader_extra_headers_prefix = {"X-Remote-Extra-"};
  options.proxy_client_cert_file = pki_.path(std::string(component::Pki::front_proxy_client) + ".crt");
  options.proxy_client_key_file = pki_.path(std::string(component::Pki::front_proxy_client) + ".key");
  options.data_dir = layout_.store();
  options.service_account_issuers = {"https://kubernetes.default.svc." + config_.cluster_domain};
  options.service_account_key_files = {pki_.path("sa.key")};
  options.service_account_signing_key_file = pki_.path("sa.key");
  options.enable_bootstrap_token_auth = true;
  options.authorization_modes = {"Node", "RBAC"};
  options.service_cluster_ip_range = config_.service_cidr;
  options.allow_privileged = true;
  TRY(take_api_server_arguments(config_, options));
  return options;
}

Result<Unit> ControlPlane::ensure_certificates() {
  TRY_ASSIGN(const bool wrote, pki_.ensure(serving_names()));
  if (wrote) TRY(write_kubeconfig());
  if (kubelet_) TRY(pki_.ensure_kubelet_serving(kubelet_certificate, *kubelet_));
  if (!runtime_.disk().exists(config_.write_kubeconfig)) TRY(write_kubeconfig());
  return Unit{};
}

Result<std::string> ControlPlane::certify_kubelet(component::CertificateSpec spec) {
  kubelet_ = std::move(spec);
  TRY(pki_.ensure_kubelet_serving(kubelet_certificate, *kubelet_));
  return pki_.path(kubelet_certificate);
}

Result<Unit> ControlPlane::write_kubeconfig() {
  client::KubeconfigContent content;
  content.cluster_name = "pintle";
  content.user_name = "admin";
  const bool any = config_.bind_address == "0.0.0.0" || config_.bind_address == "::";
  content.server = "https://" + url_host(any ? node_ip_ : config_.bind_address) + ":" + std::to_string(config_.https_listen_port);
  TRY_ASSIGN(content.ca_pem, pki_.read("ca.crt"));
  TRY_ASSIGN(content.cert_pem, pki_.read("admin.crt"));
  TRY_ASSIGN(content.key_pem, pki_.read("admin.key"));
  return runtime_.disk().replace(config_.write_kubeconfig, client::write_kubeconfig(content), config_.write_kubeconfig_mode);
}

std::optional<rt::WallTime> ControlPlane::token_end() const {
  if (config_.token_ttl == rt::Duration::zero()) return std::nullopt;
  return runtime_.clock().wall_now() + config_.token_ttl;
}

// The token of --token, or one that is made at the first start and forgotten when it has expired.
rt::Task<Result<Unit>> ControlPlane::ensure_token() {
  client::Client& client = client_for("system:apiserver");
  rt::Disk& disk = runtime_.disk();
  const rt::Context ctx = rt::Context::background();
  const auto kept = disk.read(layout_.token());
  cli::BootstrapToken token;
  token.text = config_.token;
  token.description = "of pintle server";
  token.expires = token_end();
  if (token.text.empty() && kept) {
    const auto id = cli::token_id_of(kept->substr(0, kept->find('\n')));
    if (!id) co_return bad_request(layout_.token() + " holds no bootstrap token (abcdef.0123456789abcdef)");
    auto known = co_await cli::get_token(client, ctx, *id);
    if (!known && known.error().reason != Reason::NotFound) co_return Unexpected(std::move(known).error());
    if (!known || cli::is_expired(*known, runtime_.clock().wall_now())) {
      log::info(0, "The join token has expired; pintle token create makes another");
      co_return disk.remove(layout_.token());
    }
    if (known->expires || !token.expires) co_return Unit{};
    token.text = known->text;  // of a release whose tokens were good for ever
  }
  if (token.text.empty()) token.text = cli::make_token_text(runtime_.random());
  const std::string text = token.text;
  CO_TRY(co_await cli::put_token(client, ctx, std::move(token)));
  co_return disk.replace(layout_.token(), text + "\n", 0600);
}

rt::Task<void> ControlPlane::renew_certificates(rt::Context ctx) {
  while (true) {
    const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(runtime_.clock().wall_now().time_since_epoch()).count();
    const int64_t wait = std::clamp<int64_t>(pki_.due() - now, 60, certificate_check_seconds_max);
    auto slept = co_await rt::sleep_for(ctx, std::chrono::seconds(wait));
    if (!slept) co_return;
    auto ensured = ensure_certificates();
    if (!ensured) log::error("Certificates cannot be renewed", ensured.error());
  }
}

rt::Task<Result<Unit>> ControlPlane::start_api_server() {
  CO_TRY(ensure_certificates());
  apiserver::ApiServerSetup setup;
  CO_TRY_ASSIGN(setup.options, api_server_options());
  if (!config_.disabled("metrics-server")) setup.metrics_resolution = config_.metrics_resolution;
  CO_TRY_ASSIGN(const auto flags, component_flags(config_, "kube-apiserver"));
  component::announce_without_effect("kube-apiserver", flags.without_effect(), {});
  setup.more_metrics = [this](std::string& out) { out += metrics_.write(); };
  api_server_ = apiserver::make_api_server(runtime_, std::move(setup));
  tasks_ = std::make_unique<rt::TaskGroup>();
  tasks_->spawn(renew_certificates(tasks_->context()));
  co_return co_await api_server_->start();
}

client::Client& ControlPlane::client_for(const std::string& user) {
  for (auto& [name, client] : clients_)
    if (name == user) return *client;
  client::ClientConfig config;
  config.user_agent = "pintle";
  config.metrics = &client_metrics_;
  clients_.emplace_back(user, client::connect_in_process(runtime_, api_server_->handler(), user, std::move(config)));
  return *clients_.back().second;
}

// What no other node may be called or certified for: the API server's names, and those of the node in this process. Without one,
// an agent may run beside the server, under the machine's name and address.
void ControlPlane::reserve_names(controller::ControllerOptions& options) const {
  const component::PkiNames names = serving_names();
  options.bind_node_names = true;
  if (config_.node.enabled) options.reserved_node_names = {node_name_};
  for (const auto* list : {&names.dns_names, &names.ip_addresses})
    for (const std::string& name : *list)
      if (config_.node.enabled || (name != node_name_ && name != node_ip_ && name != config_.bind_address))
        options.reserved_serving_names.push_back(name);
}

Result<Unit> ControlPlane::start_controllers() {
  TRY_ASSIGN(ManagerOptions options, manager_options(runtime_.disk(), config_, layout_));
  reserve_names(options.controllers);
  component::announce_without_effect("kube-controller-manager", options.without_effect, {});
  controller::ManagerSetup setup{
      runtime_, client_for("system:kube-controller-manager"), nullptr, std::move(options.controllers), std::move(options.selected), std::nullopt};
  setup.client_for = [this](rt::Context, std::string account) { return account_client(std::move(account)); };
  setup.metrics = &metrics_;
  setup.client_metrics = &client_metrics_;
  setup.host_directories = &controller::machine_directories();
  controllers_ = controller::make_controller_manager(std::move(setup));
  return controllers_->start();
}

rt::Task<Result<std::unique_ptr<client::Client>>> ControlPlane::account_client(std::string account) {
  client::ClientConfig config;
  config.user_agent = "pintle";
  config.metrics = &client_metrics_;
  co_return client::connect_in_process(runtime_, api_server_->handler(), "system:serviceaccount:kube-system:" + account, std::move(config));
}

Result<Unit> ControlPlane::start_scheduler() {
  scheduler::SchedulerSetup setup{.runtime = runtime_, .client = client_for("system:kube-scheduler"), .metrics = metrics_};
  TRY_ASSIGN(SchedulerSettings settings, scheduler_settings(config_, runtime_.disk()));
  component::announce_without_effect("kube-scheduler", {}, settings.config.without_effect);
  setup.config = std::move(settings.config);
  setup.gates = std::move(settings.gates);
  TRY_ASSIGN(const auto machine, os::machine_facts());
  setup.hostname = machine.hostname;
  scheduler_ = scheduler::make_scheduler(std::move(setup));
  return scheduler_->start();
}

rt::Task<Result<Unit>> ControlPlane::start_dns() {
  dns::DnsSetup setup{runtime_, client_for("system:serviceaccount:kube-system:coredns")};
  setup.listen = {{node_ip_, cli::cluster_dns_port}};
  setup.zone.domain = config_.cluster_domain;
  setup.zone.nameservers = {config_.cluster_dns};
  std::vector<std::string> ranges = config_.dns_allow_from;
  ranges.push_back(config_.cluster_cidr);
  ranges.push_back(config_.service_cidr);
  CO_TRY_ASSIGN(setup.allow_from, dns::parse_client_ranges(ranges));
  setup.allow_nodes = true;
  dns_ = std::make_unique<dns::Server>(std::move(setup));
  co_return co_await dns_->start();
}

// The class that claims have which name none. Made once: what the administrator makes of it stays.
rt::Task<Result<Unit>> ControlPlane::ensure_storage_class() {
  using api::storage_v1::StorageClass;
  StorageClass local;
  local.metadata.name = "local-path";
  local.metadata.annotations["storageclass.kubernetes.io/is-default-class"] = "true";
  local.provisioner = csi_local::driver_name;
  local.reclaim_policy = "Delete";
  local.volume_binding_mode = "WaitForFirstConsumer";
  local.allow_volume_expansion = true;
  const auto made = co_await client_for("system:apiserver").create<StorageClass>(rt::Context::background(), std::move(local));
  if (!made && made.error().reason != Reason::AlreadyExists)
    co_return error(made.error().reason, "cannot make the StorageClass local-path: " + made.error().message);
  co_return Unit{};
}

rt::Task<Result<Unit>> ControlPlane::start_local_storage() {
  CO_TRY(co_await ensure_storage_class());
  CO_TRY_ASSIGN(const apiserver::ApiServerOptions options, api_server_options());
  LocalStorageSetup setup{runtime_, client_for("system:serviceaccount:kube-system:local-storage"), options, {}, {}};
  if (config_.node.enabled) {
    setup.own_node = node_name_;
    setup.own_endpoint = local_storage_endpoint(config_.node.kubelet_root_dir);
  }
  CO_TRY_ASSIGN(local_storage_, LocalStorage::make(std::move(setup)));
  local_storage_->start();
  co_return Unit{};
}

rt::Task<Result<Unit>> ControlPlane::start_components() {
  cli::AddonFacts facts;
  facts.server_url = "https://" + url_host(node_ip_) + ":" + std::to_string(config_.https_listen_port);
  CO_TRY_ASSIGN(facts.ca_pem, pki_.read("ca.crt"));
  CO_TRY_ASSIGN(facts.kubelet_serving_ca_pem, pki_.read(std::string(component::Pki::kubelet_serving_ca) + ".crt"));
  if (!config_.disabled("dns")) facts.dns_node_ip = node_ip_;
  controller::manifests::ManifestSetup manifests{runtime_, client_for("system:apiserver"), layout_.manifests(), cli::addon_manifests(config_, facts)};
  manifests_ = std::make_unique<controller::manifests::Manifests>(std::move(manifests));
  CO_TRY(co_await manifests_->start());
  CO_TRY(co_await ensure_token());
  if (!config_.disabled("local-storage")) CO_TRY(co_await start_local_storage());
  if (!config_.disabled("controller-manager")) CO_TRY(start_controllers());
  if (!config_.disabled("scheduler")) CO_TRY(start_scheduler());
  if (!config_.disabled("dns")) CO_TRY(co_await start_dns());
  co_return Unit{};
}

rt::Task<void> ControlPlane::stop() {
  if (local_storage_) co_await local_storage_->stop();
  if (dns_) co_await dns_->stop();
  if (scheduler_) co_await scheduler_->stop();
  if (controllers_) co_await controllers_->stop();
  if (manifests_) co_await manifests_->stop();
  if (tasks_) co_await tasks_->close();
  tasks_.reset();
  for (auto& [user, client] : clients_) co_await client->close();
  if (api_server_) co_await api_server_->stop();
}

}  // namespace pintle::cmd

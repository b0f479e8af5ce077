#include "apiserver/server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <tuple>

#include "apiserver/admission/configuration/configuration.h"
#include "apiserver/admission/configured/webhook_metrics.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policies/policy_metrics.h"
#include "apiserver/aggregation/aggregator.h"
#include "apiserver/authentication/authentication.h"
#include "apiserver/authorization/chain.h"
#include "apiserver/authorization/rbac/escalation.h"
#include "apiserver/bootstrap/registry_writer.h"
#include "apiserver/callout/callouts.h"
#include "apiserver/connect/connector.h"
#include "apiserver/custom/definitions.h"
#include "apiserver/endpoints/api_handler.h"
#include "apiserver/endpoints/openapi_pages.h"
#include "apiserver/endpoints/profile_pages.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/metrics_server/metrics_server.h"
#include "apiserver/policy_status/policy_status.h"
#include "apiserver/published/further.h"
#include "apiserver/published/openapi_documents.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/resources/core/service_addresses.h"
#include "apiserver/resources/resources.h"
#include "apiserver/token_tracking/token_tracking.h"
#include "apiserver/types/service_ranges.h"
#include "apiserver/types/time_zones.h"
#include "base/ip_address.h"
#include "base/mutex.h"
#include "component/log.h"
#include "component/serving/self_signed_certificate.h"
#include "net/server.h"
#include "net/url.h"
#include "rt/file.h"
#include "storage/memory_store.h"
#include "storage/sqlite_store.h"

namespace pintle::apiserver {

namespace {

constexpr rt::Duration drain_grace = std::chrono::seconds(10);
constexpr int64_t http2_streams_most = (int64_t{1} << 31) - 1;  // stream numbers are of 31 bits

// What the store's writer says of its disk. Thread-safe.
class StoreHealth {
 public:
  void set(const std::optional<Status>& failure) {
    ThreadLock lock(mutex_);
    if (failure && !failure_) component::log::error("The store cannot write; reads and watches go on", *failure);
    if (!failure) component::log::info(0, "The store writes again");
    failure_ = failure;
  }
  std::optional<Status> failure() const {
    ThreadLock lock(mutex_);
    return failure_;
  }

 private:
  mutable ThreadMutex mutex_;
  std::optional<Status> failure_ GUARDED_BY(mutex_);
};

class ApiServerImpl final : public ApiServer {
 public:
  ApiServerImpl(rt::Runtime& runtime, ApiServerSetup setup) : runtime_(runtime), setup_(std::move(setup)), options_(setup_.options) {}

  rt::Task<Result<Unit>> start() override;
  rt::Task<void> stop() override;
  net::Handler& handler() override { return *handler_; }
  rt::Endpoint local() const override { return server_ ? server_->local() : rt::Endpoint{}; }

 private:
  Result<Unit> open_store();
  Result<Unit> make_authentication();
  Result<std::string> read(const std::string& path);
  Result<Unit> read_trust();
  Result<admission::AdmissionSequence> make_admission();
  std::vector<registry::ResourceDefinition> definitions();
  void make_callouts();
  void make_handler();
  rt::Task<Result<Unit>> ensure_bootstrap();
  rt::Task<Result<Unit>> start_aggregator();
  Result<Unit> start_service_addresses();
  Result<Unit> make_serving_certificate();
  rt::Task<Result<Unit>> listen();

  rt::Runtime& runtime_;
  ApiServerSetup setup_;
  ApiServerOptions& options_;
  std::atomic<bool> started_ = false;
  std::atomic<bool> shutting_down_ = false;
  StoreHealth store_health_;
  bootstrap::ClusterTrust trust_;
  std::unique_ptr<storage::Store> store_;
  component::metrics::Registry admission_page_;  // outlives the plugins and what else counts here
  admission::configured::WebhookMetrics webhook_metrics_{admission_page_};
  admission::policies::PolicyMetrics policy_metrics_{admission_page_};
  custom::ConversionMetrics conversion_metrics_{admission_page_};
  const TimeZones zones_{runtime_.disk()};
  std::unique_ptr<registry::InstalledRegistry> registry_;
  published::FurtherServers further_;
  std::unique_ptr<published::OpenApiDocuments> openapi_;
  std::unique_ptr<custom::Definitions> definitions_;
  std::unique_ptr<policy_status::PolicyStatus> policy_status_;
  std::unique_ptr<callout::ServiceResolver> services_;
  std::unique_ptr<callout::Callouts> callouts_;
  std::unique_ptr<token_tracking::TokenTracking> token_tracking_;
  const std::shared_ptr<resources::ServiceAllocator> service_allocator_ = std::make_shared<resources::ServiceAllocator>();
  std::unique_ptr<resources::ServiceAddresses> service_addresses_;
  std::unique_ptr<authentication::Authentication> authentication_;
  std::unique_ptr<authorization::Authorization> authorization_;
  authorization::rbac::EscalationCheck escalation_;
  std::unique_ptr<metrics_server::MetricsServer> metrics_server_;  // nullptr: metrics.k8s.io is not served
  std::unique_ptr<aggregation::Aggregator> aggregator_;
  std::unique_ptr<connect::Connector> connector_;
  std::unique_ptr<endpoints::ApiHandler> handler_;
  std::unique_ptr<component::SelfSignedCertificate> serving_certificate_;  // where none is given
  std::unique_ptr<net::Server> server_;
};

Result<Unit> ApiServerImpl::open_store() {
  if (options_.data_dir.empty()) {
    store_ = storage::make_memory_store(runtime_);
    return Unit{};
  }
  storage::SqliteStoreOptions options;
  options.data_dir = options_.data_dir;
  options.process_lock = !setup_.simulated_disk;
  options.store.on_executor = setup_.simulated_disk;
  options.store.on_write_failure = [this](const std::optional<Status>& failure) { store_health_.set(failure); };
  TRY_ASSIGN(store_, storage::SqliteStore::open(runtime_, std::move(options)));
  return Unit{};
}

Result<std::string> ApiServerImpl::read(const std::string& path) { return runtime_.disk().read(path); }

Result<Unit> ApiServerImpl::make_authentication() {
  authentication::AuthenticationConfig config;
  config.anonymous = options_.anonymous_auth;
  config.bootstrap_tokens = options_.enable_bootstrap_token_auth;
  if (!options_.token_auth_file.empty()) {
    TRY_ASSIGN(config.token_file_text, read(options_.token_auth_file));
    config.token_file_name = options_.token_auth_file;
  }
  config.service_account_issuers = options_.service_account_issuers;
  config.audiences = options_.api_audiences;
  for (const std::string& path : options_.service_account_key_files) {
    TRY_ASSIGN(std::string pem, read(path));
    config.key_pems.push_back(std::move(pem));
  }
  if (!options_.service_account_signing_key_file.empty()) {
    TRY_ASSIGN(config.signing_key_pem, read(options_.service_account_signing_key_file));
    if (config.key_pems.empty()) config.key_pems.push_back(config.signing_key_pem);
  }
  config.max_token_expiration = options_.service_account_max_token_expiration;
  config.extend_token_expiration = options_.service_account_extend_token_expiration;
  config.lookup = options_.service_account_lookup;
  token_tracking_ = std::make_unique<token_tracking::TokenTracking>(runtime_, *registry_, admission_page_);
  config.secret_token_uses = token_tracking_.get();
  config.jwks_uri = options_.service_account_jwks_uri;
  config.external_host = options_.advertise_address + ":" + std::to_string(options_.secure_port);
  if (!options_.requestheader_client_ca_file.empty())
    config.front_proxy = {options_.requestheader_allowed_names, options_.requestheader_username_headers, options_.requestheader_uid_headers,
                          options_.requestheader_group_headers, options_.requestheader_extra_headers_prefix};
  TRY_ASSIGN(authentication_, authentication::Authentication::make(std::move(config), runtime_.clock(), runtime_.random(), registry_->reader()));
  return Unit{};
}

Result<admission::AdmissionSequence> ApiServerImpl::make_admission() {
  admission::AdmissionConfig config;
  config.enable = options_.enable_admission_plugins;
  config.disable = options_.disable_admission_plugins;
  TRY_ASSIGN(const admission::PluginSettings settings, admission::read_plugin_settings(runtime_.disk(), options_.admission_control_config_file));
  TRY(admission::check_admission_config(config, settings));
  admission::AdmissionDeps deps{registry_->reader(), &authorization_->authorizer(), &runtime_.random(), registry_.get(), &runtime_};
  deps.callouts = callouts_.get();
  deps.webhook_metrics = &webhook_metrics_;
  deps.policy_metrics = &policy_metrics_;
  deps.zones = &zones_;
  deps.settings = &settings;
  deps.tolerated.not_ready = options_.default_not_ready_toleration_seconds;
  deps.tolerated.unreachable = options_.default_unreachable_toleration_seconds;
  auto plugins = admission::make_admission_plugins(config, deps);
  if (setup_.last_plugin) plugins.push_back(setup_.last_plugin());
  return admission::AdmissionSequence(std::move(plugins));
}

void ApiServerImpl::make_callouts() {
  std::string own;
  if (setup_.listen && options_.secure_port != 0) {
    const auto address = parse_address(options_.bind_address);
    const bool any = !address || address->is_unspecified();
    own = "https://" + net::join_host_port(any ? (address && address->is_v6() ? "::1" : "127.0.0.1") : options_.bind_address,
                                           std::to_string(options_.secure_port));
  }
  services_ = std::make_unique<callout::ServiceResolver>(registry_->reader(), runtime_.random(), options_.enable_aggregator_routing, std::move(own));
  callouts_ = std::make_unique<callout::Callouts>(runtime_, *services_);
}

// What answers otherwise than from the store asks the others.
std::vector<registry::ResourceDefinition> ApiServerImpl::definitions() {
  resources::Deps deps;
  deps.store_failure = [this] { return store_health_.failure(); };
  deps.authorizer = &authorization_->authorizer();
  deps.tokens = &authentication_->tokens();
  deps.audiences = authentication_->audiences();
  deps.issuer = authentication_->issuer();
  deps.service_allocator = service_allocator_;
  deps.zones = &zones_;
  auto out = resources::builtin_resources(deps);
  if (!metrics_server_) return out;
  for (auto& resource : metrics_server_->resources()) out.push_back(std::move(resource));
  return out;
}

void ApiServerImpl::make_handler() {
  endpoints::ApiHandlerDeps deps{runtime_, *registry_, options_};
  deps.connector = connector_.get();
  deps.aggregator = aggregator_.get();
  if (setup_.secured) {
    deps.authentication = authentication_.get();
    deps.authorizer = &authorization_->authorizer();
    escalation_ = {&authorization_->rbac_index(), &authorization_->authorizer()};
    deps.escalation = &escalation_;
  }
  deps.server_address = options_.advertise_address + ":" + std::to_string(options_.secure_port);
  deps.further = &further_;
  handler_ = std::make_unique<endpoints::ApiHandler>(std::move(deps));
  handler_->metrics().add_callback([this](std::string& out) { out += admission_page_.write(); });
  handler_->metrics().add_callback([this](std::string& out) { aggregator_->write_metrics(out); });
  if (setup_.more_metrics) handler_->metrics().add_callback(setup_.more_metrics);
  if (metrics_server_) handler_->metrics().add_callback([this](std::string& out) { metrics_server_->write_metrics(out); });
  endpoints::Health& health = handler_->health();
  for (const char* name : {"ping", "log", "etcd"}) health.add({name, [] { return true; }});
  // Of /readyz alone, as upstream's: a server that can read is not made better by a restart.
  health.add({"etcd-readiness", [this] { return !store_health_.failure(); }, true});
  health.add({"poststarthook/rbac/bootstrap-roles", [this] { return started_.load(); }});
  health.add({"shutdown", [this] { return !shutting_down_.load(); }, true});
  openapi_ = std::make_unique<published::OpenApiDocuments>(runtime_, *registry_, further_);
  endpoints::add_openapi_pages(*handler_, runtime_, *openapi_);
  if (options_.profiling) endpoints::add_profile_pages(*handler_, runtime_);
  if (authentication_ && authentication_->openid()) {
    const auto page = [](const std::string& text, std::string type) {
      return [&text, type](exchange::Exchange& exchange) { return exchange::answer(exchange, 200, type, Bytes::copy(text)); };
    };
    handler_->add_page(std::string(authentication::service_account::openid_configuration_path),
                       page(authentication_->openid()->configuration, "application/json"));
    handler_->add_page(std::string(authentication::service_account::jwks_path), page(authentication_->openid()->jwks, "application/jwk-set+json"));
  }
}

// Before the store is opened: what is wrong with the flags is said first.
Result<Unit> ApiServerImpl::read_trust() {
  trust_ = {.username_headers = options_.requestheader_username_headers,
            .uid_headers = options_.requestheader_uid_headers,
            .group_headers = options_.requestheader_group_headers,
            .extra_header_prefixes = options_.requestheader_extra_headers_prefix,
            .allowed_names = options_.requestheader_allowed_names};
  const std::tuple<const char*, const std::string*, std::string*> files[] = {
      {"--client-ca-file", &options_.client_ca_file, &trust_.client_ca_pem},
      {"--requestheader-client-ca-file", &options_.requestheader_client_ca_file, &trust_.front_proxy_ca_pem}};
  for (const auto& [flag, path, pem] : files) {
    if (path->empty()) continue;
    auto text = read(*path);
    if (!text) return bad_request(std::string(flag) + ": " + text.error().message);
    *pem = std::move(*text);
  }
  return Unit{};
}

rt::Task<Result<Unit>> ApiServerImpl::ensure_bootstrap() {
  bootstrap::Config config;
  CO_TRY_ASSIGN(const std::vector<IpPrefix> ranges, parse_service_ranges(options_.service_cluster_ip_range));
  for (const IpPrefix& range : ranges) config.service_cidrs.push_back(range.to_string());
  config.kubernetes_service_ip = ranges.front().nth(1)->to_string();
  config.advertise_address = options_.advertise_address;
  config.secure_port = options_.secure_port;
  config.trust = trust_;
  for (const auto& version : registry_->served_by_table().group_versions())
    if (version.group != "apiregistration.k8s.io" && version.group != metrics_server::group)  // the aggregator's
      config.group_versions.emplace_back(version.group, version.version);
  config.now_seconds = std::chrono::duration_cast<std::chrono::seconds>(runtime_.clock().wall_now().time_since_epoch()).count();
  bootstrap::RegistryWriter writer(*registry_);
  co_return co_await bootstrap::ensure(rt::Context::background(), registry_->reader(), writer, std::move(config));
}

rt::Task<Result<Unit>> ApiServerImpl::start_aggregator() {
  aggregation::AggregatorDeps deps{runtime_, *registry_, options_, *services_, further_, {}, {}};
  if (metrics_server_) deps.add_ons.emplace(metrics_server::group, metrics_server::version);
  deps.trust = [this]() -> Result<bootstrap::ClusterTrust> {
    TRY(read_trust());
    return trust_;
  };
  aggregator_ = std::make_unique<aggregation::Aggregator>(std::move(deps));
  return aggregator_->start();
}

Result<Unit> ApiServerImpl::start_service_addresses() {
  TRY(service_allocator_->attach(registry_->reader(), options_.service_cluster_ip_range, options_.service_node_port_range));
  service_addresses_ =
      std::make_unique<resources::ServiceAddresses>(service_allocator_, [this](rt::Context ctx) { return registry_->own_scope(std::move(ctx)); });
  service_addresses_->start();
  return Unit{};
}

Result<Unit> ApiServerImpl::make_serving_certificate() {
  std::string folder = options_.cert_dir;
  if (folder.empty()) folder = options_.data_dir.empty() ? "/var/run/kubernetes" : options_.data_dir + "/tls";
  component::SelfSignedSetup wanted{
      .runtime = runtime_, .cert_file = folder + "/apiserver.crt", .key_file = folder + "/apiserver.key", .common_name = "kube-apiserver"};
  wanted.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"};
  wanted.ip_addresses = {"127.0.0.1", "::1"};
  if (!options_.advertise_address.empty()) wanted.ip_addresses.push_back(options_.advertise_address);
  serving_certificate_ = std::make_unique<component::SelfSignedCertificate>(std::move(wanted));
  options_.tls_cert_file = serving_certificate_->cert_file();
  options_.tls_private_key_file = serving_certificate_->key_file();
  return serving_certificate_->ensure();
}

rt::Task<Result<Unit>> ApiServerImpl::listen() {
  if (options_.tls_cert_file.empty()) CO_TRY(make_serving_certificate());
  net::ServerOptions server;
  server.listen = {options_.bind_address, options_.secure_port};
  net::ServerTls tls;
  tls.cert_file = options_.tls_cert_file;
  tls.key_file = options_.tls_private_key_file;
  tls.client_ca_file = options_.client_ca_file;
  tls.front_proxy_ca_file = options_.requestheader_client_ca_file;
  tls.cipher_suites = options_.tls_cipher_suites;
  tls.min_version = options_.tls_min_version;
  server.tls = std::move(tls);
  if (options_.http2_streams_max > 0)
    server.limits.streams_per_connection_max = static_cast<uint32_t>(std::min<int64_t>(options_.http2_streams_max, http2_streams_most));
  server.on_reload_error = [](const Status& failure) { component::log::error("The serving certificate has changed and is no good", failure); };
  server_ = net::make_server(runtime_, *handler_, std::move(server));
  CO_TRY(co_await server_->start());
  if (serving_certificate_) serving_certificate_->start();
  co_return Unit{};
}

rt::Task<Result<Unit>> ApiServerImpl::start() {
  CO_TRY(authorization::check_authorization_modes(options_.authorization_modes));
  CO_TRY(read_trust());
  CO_TRY_ASSIGN(auto served, apimachinery::ServedSet::configured(options_.runtime_config));
  if (setup_.metrics_resolution) {
    served = served.with_add_on(metrics_server::group);
    CO_TRY_ASSIGN(metrics_server_, metrics_server::MetricsServer::make({runtime_, options_, *setup_.metrics_resolution}));
  }
  CO_TRY(open_store());
  registry_ = std::make_unique<registry::InstalledRegistry>(runtime_, *store_, options_, std::move(served));
  if (options_.service_account_issuers.empty()) options_.service_account_issuers.emplace_back(default_service_account_issuer);
  CO_TRY(make_authentication());
  authorization_ = std::make_unique<authorization::Authorization>(options_.authorization_modes, registry_->reader());
  make_callouts();
  registry_->install(definitions());
  CO_TRY_ASSIGN(admission::AdmissionSequence admission, make_admission());
  CO_TRY(co_await registry_->start(std::move(admission)));
  authorization_->start();
  CO_TRY(co_await ensure_bootstrap());
  definitions_ = std::make_unique<custom::Definitions>(*registry_, custom::ConversionDeps{
                                                                       .callouts = *callouts_,
                                                                       .random = runtime_.random(),
                                                                       .clock = runtime_.clock(),
                                                                       .metrics = &conversion_metrics_,
                                                                       .zones = &zones_,
                                                                   });
  CO_TRY(co_await definitions_->start());
  policy_status_ = std::make_unique<policy_status::PolicyStatus>(*registry_);
  policy_status_->start();
  token_tracking_->start();
  CO_TRY(start_service_addresses());
  CO_TRY(co_await start_aggregator());
  const connect::ConnectorDeps connector{runtime_, *registry_, options_, setup_.secured ? &authorization_->authorizer() : nullptr};
  CO_TRY_ASSIGN(connector_, connect::Connector::make(connector));
  make_handler();
  if (setup_.listen) CO_TRY(co_await listen());
  handler_->start();
  if (metrics_server_) metrics_server_->start(*registry_);
  started_ = true;
  co_return Unit{};
}

rt::Task<void> ApiServerImpl::stop() {
  shutting_down_ = true;
  // Load balancers see /readyz fail and send their clients elsewhere, while those that still come are served.
  if (started_ && options_.shutdown_delay > rt::Duration(0)) (void)co_await rt::sleep_for(rt::Context::background(), options_.shutdown_delay);
  if (handler_) handler_->end_long_running();
  if (server_) co_await server_->drain(drain_grace);
  if (serving_certificate_) co_await serving_certificate_->stop();
  if (handler_) co_await handler_->close();
  if (connector_) co_await connector_->close();
  if (metrics_server_) co_await metrics_server_->stop();
  if (aggregator_) co_await aggregator_->stop();
  if (token_tracking_) co_await token_tracking_->stop();
  if (service_addresses_) co_await service_addresses_->stop();
  if (policy_status_) co_await policy_status_->stop();
  if (definitions_) co_await definitions_->stop();
  if (registry_) co_await registry_->stop();
  if (callouts_) co_await callouts_->close();
}

}  // namespace

std::unique_ptr<ApiServer> make_api_server(rt::Runtime& runtime, ApiServerSetup setup) {
  return std::make_unique<ApiServerImpl>(runtime, std::move(setup));
}

}  // namespace pintle::apiserver

#include "kubelet/server/server.h"

#include "component/log.h"
#include "component/serving/tls_version.h"
#include "kubelet/server/routes.h"

namespace pintle::kubelet::server {

namespace {
constexpr rt::Duration drain_grace = std::chrono::seconds(1);
}  // namespace

KubeletServer::KubeletServer(KubeletServerDeps deps) : deps_(std::move(deps)) {}
KubeletServer::~KubeletServer() = default;

Result<net::ServerOptions> KubeletServer::secure_options() const {
  const auto& configuration = deps_.host.configuration();
  net::ServerOptions options;
  options.listen = {configuration.address.empty() ? "0.0.0.0" : configuration.address, static_cast<uint16_t>(configuration.port)};
  net::ServerTls tls;
  tls.cert_file = deps_.cert_file;
  tls.key_file = deps_.key_file;
  tls.client_ca_file = configuration.authentication.x509.client_ca_file;
  tls.cipher_suites = configuration.tls_cipher_suites;
  TRY_ASSIGN(tls.min_version, component::parse_tls_min_version(configuration.tls_min_version, "tlsMinVersion"));
  options.tls = std::move(tls);
  options.on_reload_error = [](const Status& failure) {
    component::log::error("The kubelet's serving certificate has changed and is no good", failure);
  };
  return options;
}

rt::Task<Result<Unit>> KubeletServer::start_plain(std::unique_ptr<net::Server>& server, net::Handler& handler, std::string address, int32_t port) {
  net::ServerOptions options;
  options.listen = {std::move(address), static_cast<uint16_t>(port)};
  server = net::make_server(deps_.runtime, handler, std::move(options));
  co_return co_await server->start();
}

rt::Task<Result<Unit>> KubeletServer::start() {
  const auto& configuration = deps_.host.configuration();
  net::ClientOptions to_runtime;
  to_runtime.http2 = false;
  CO_TRY_ASSIGN(runtime_transport_, net::make_transport(deps_.runtime, std::move(to_runtime)));
  AccessOptions access{configuration.authentication, configuration.authorization, deps_.host.node_name()};
  access_ = std::make_unique<Access>(AccessDeps{deps_.runtime.clock(), deps_.client}, std::move(access));
  RoutesDeps deps{deps_.runtime, deps_.host, deps_.home, *runtime_transport_};
  if (configuration.healthz_port.value_or(0) != 0) {
    RoutesOptions health;
    health.health_only = true;
    health_routes_ = std::make_unique<Routes>(deps, health);
    const std::string address = configuration.healthz_bind_address.empty() ? "127.0.0.1" : configuration.healthz_bind_address;
    CO_TRY(co_await start_plain(health_, *health_routes_, address, *configuration.healthz_port));
  }
  if (configuration.read_only_port != 0) {
    RoutesOptions read_only;
    read_only.read_only = true;
    read_only_routes_ = std::make_unique<Routes>(deps, read_only);
    const std::string address = configuration.address.empty() ? std::string("0.0.0.0") : configuration.address;
    CO_TRY(co_await start_plain(read_only_, *read_only_routes_, address, configuration.read_only_port));
  }
  if (!configuration.enable_server.value_or(true)) co_return Unit{};
  deps.access = access_.get();
  RoutesOptions secure;
  secure.debugging = configuration.enable_debugging_handlers.value_or(true);
  secure_routes_ = std::make_unique<Routes>(deps, secure);
  CO_TRY_ASSIGN(auto options, secure_options());
  secure_ = net::make_server(deps_.runtime, *secure_routes_, std::move(options));
  co_return co_await secure_->start();
}

rt::Task<void> KubeletServer::stop() {
  for (const auto* routes : {&secure_routes_, &read_only_routes_, &health_routes_})
    if (*routes) (*routes)->end_streams();
  for (const auto* server : {&secure_, &read_only_, &health_})
    if (*server) co_await (*server)->drain(drain_grace);
  if (runtime_transport_) co_await runtime_transport_->close();
}

rt::Endpoint KubeletServer::local() const { return secure_ ? secure_->local() : rt::Endpoint{}; }

}  // namespace pintle::kubelet::server

#include "proxy/health/service_health.h"

#include <fmt/format.h>

#include <atomic>

namespace pintle::proxy::health {
namespace {

constexpr rt::Duration close_grace = std::chrono::seconds(1);
constexpr std::size_t connections_max = 256;  // of one health check port

}  // namespace

struct ServiceHealth::Port : net::Handler {
  Port(ServiceName n, uint16_t p, const std::function<bool()>& healthy) : name(std::move(n)), port(p), proxy_healthy(healthy) {}

  rt::Task<void> serve(rt::Context, net::Request&, net::ResponseWriter& writer) override {
    const std::size_t count = local_endpoints.load(std::memory_order_relaxed);
    ServicePage page = service_page(name, count, proxy_healthy());
    writer.headers().set("x-content-type-options", "nosniff");
    writer.headers().set("x-load-balancing-endpoint-weight", std::to_string(count));
    (void)co_await net::respond(writer, page.status, "application/json", Bytes(std::move(page.body)));
  }

  const ServiceName name;
  const uint16_t port;
  const std::function<bool()>& proxy_healthy;
  std::atomic<std::size_t> local_endpoints = 0;
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<net::Server>> servers;
};

ServicePage service_page(const ServiceName& name, std::size_t local_endpoints, bool proxy_healthy) {
  ServicePage out;
  out.status = local_endpoints != 0 && proxy_healthy ? 200 : 503;
  out.body = fmt::format(
      "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{}\",\n\t\t\"name\": \"{}\"\n\t}},\n\t\"localEndpoints\": {},\n\t\"serviceProxyHealthy\": {}\n}}",
      name.namespace_name, name.name, local_endpoints, proxy_healthy);
  return out;
}

ServiceHealth::ServiceHealth(rt::Runtime& runtime, std::function<bool()> proxy_healthy)
    : runtime_(runtime), proxy_healthy_(std::move(proxy_healthy)) {}
ServiceHealth::~ServiceHealth() { CHECK(ports_.empty(), "await stop() before destroying ServiceHealth"); }

rt::Task<Result<Unit>> ServiceHealth::open(Port& port, std::vector<std::string> addresses) {
  port.addresses = addresses;
  for (const std::string& address : addresses) {
    net::ServerOptions options;
    options.listen = {address, port.port};
    options.limits.connections_max = connections_max;
    auto server = net::make_server(runtime_, port, std::move(options));
    CO_TRY(co_await server->start());
    port.servers.push_back(std::move(server));
  }
  co_return Unit{};
}

rt::Task<void> ServiceHealth::close(std::unique_ptr<Port> port) {
  for (auto& server : port->servers) co_await server->drain(close_grace);
}

rt::Task<std::vector<ServiceHealth::Failure>> ServiceHealth::sync(std::map<ServiceName, nftables::HealthCheck> checks,
                                                                  std::vector<std::string> addresses) {
  std::vector<Failure> failures;
  for (auto at = ports_.begin(); at != ports_.end();) {
    const auto wanted = checks.find(at->first);
    if (wanted != checks.end() && wanted->second.port == at->second->port && at->second->addresses == addresses) {
      ++at;
      continue;
    }
    std::unique_ptr<Port> gone = std::move(at->second);
    at = ports_.erase(at);
    co_await close(std::move(gone));
  }
  for (const auto& [name, check] : checks) {
    auto& port = ports_[name];
    if (!port) {
      port = std::make_unique<Port>(name, check.port, proxy_healthy_);
      auto opened = co_await open(*port, addresses);
      if (!opened) {
        failures.push_back({name, check.port, std::move(opened).error()});
        std::unique_ptr<Port> failed = std::move(port);
        ports_.erase(name);
        co_await close(std::move(failed));
        continue;
      }
    }
    port->local_endpoints.store(check.local_endpoints, std::memory_order_relaxed);
  }
  co_return failures;
}

rt::Task<void> ServiceHealth::stop() {
  auto ports = std::exchange(ports_, {});
  for (auto& [name, port] : ports) co_await close(std::move(port));
}

}  // namespace pintle::proxy::health

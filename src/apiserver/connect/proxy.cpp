// The proxy subresource of pods, services and nodes: any method, any path, upgrades too.
#include <fmt/format.h>

#include "apiserver/connect/connector.h"
#include "apiserver/connect/html_links.h"
#include "net/forward.h"
#include "net/gunzip.h"
#include "net/text.h"

namespace pintle::apiserver::connect {

namespace {

namespace core = api::core_v1;

// Segments of the path up to the subresource: /api/v1[/namespaces/N]/RESOURCE/NAME/proxy.
std::size_t segments_before(const RequestInfo& info) { return 2 + (info.ns.empty() ? 0 : 2) + 3; }

std::string host_of(const exchange::Exchange& exchange) {
  return exchange.request.host.empty() ? std::string(exchange.request.headers.get("host")) : exchange.request.host;
}

// Pages alone, and those that can be read.
void rewrite_links(net::Response& response, const std::string& origin, const std::string& prefix) {
  const std::string_view type = net::trim(response.headers.get("content-type").substr(0, response.headers.get("content-type").find(';')));
  const std::string encoding(response.headers.get("content-encoding"));
  if (!response.body || !net::equal_fold(type, "text/html") || (!encoding.empty() && encoding != "gzip")) return;
  if (!encoding.empty()) response.body = net::gunzip(std::move(response.body));
  response.body = rewrite_html(std::move(response.body), [origin, prefix](std::string_view link) { return rewrite_link(link, origin, prefix); });
  response.headers.remove("Content-Length");
  response.headers.remove("Content-Encoding");
}

}  // namespace

rt::Task<Result<Connector::Target>> Connector::proxy_target(exchange::Exchange& exchange) {
  const std::string& resource = exchange.info.resource;
  auto name = parse_proxy_name(exchange.info.name);
  if (!name) co_return bad_request(fmt::format("invalid {} request \"{}\"", resource.substr(0, resource.size() - 1), exchange.info.name));
  if (resource == "pods") co_return co_await pod_target(exchange, std::move(*name));
  if (resource == "services") co_return co_await service_target(exchange, std::move(*name));
  co_return co_await node_target(exchange, std::move(*name));
}

rt::Task<Result<Connector::Target>> Connector::pod_target(exchange::Exchange& exchange, ProxyName name) {
  CO_TRY_ASSIGN(const core::Pod pod, co_await pod_of(exchange, name.name));
  CO_TRY_ASSIGN(std::string origin, pod_origin(pod, name));
  Target target;
  target.origin = std::move(origin);
  target.transport = plain_.get();
  co_return target;
}

rt::Task<Result<Connector::Target>> Connector::service_target(exchange::Exchange& exchange, ProxyName name) {
  const GroupResource services{"", "services"}, all_endpoints{"", "endpoints"};
  const std::string ns = exchange.scope.ns;
  std::optional<core::Service> service;
  if (!name.port.empty() && name.port.find_first_not_of("0123456789") == std::string::npos) {
    CO_TRY_ASSIGN(auto object, co_await deps_.registry.get(exchange.scope, services, ns, name.name));
    service = std::move(object.as<core::Service>());
  }
  CO_TRY_ASSIGN(const auto object, co_await deps_.registry.get(exchange.scope, all_endpoints, ns, name.name));
  const core::Service* declared = service ? &*service : nullptr;
  CO_TRY_ASSIGN(const auto origins, service_origins(declared, object.as<core::Endpoints>(), name, deps_.runtime.random().next_u64()));
  for (const ServiceEndpoint& endpoint : origins) {
    if (!endpoint.address->target_ref) continue;  // only to pods, lest a proxy reaches what an Endpoints object was made to name
    const auto pod = co_await pod_of(exchange, endpoint.address->target_ref->name);
    if (!pod || !is_endpoint_of(*endpoint.address, ns, *pod)) continue;
    if (!is_proxyable_address(endpoint.address->ip)) co_return bad_request("address not allowed");  // a node says what its pods' addresses are
    Target target;
    target.origin = endpoint.origin;
    target.transport = plain_.get();
    co_return target;
  }
  co_return error(Reason::ServiceUnavailable, fmt::format("no endpoints available for service \"{}\"", exchange.info.name));
}

rt::Task<Result<Connector::Target>> Connector::node_target(exchange::Exchange& exchange, ProxyName name) {
  const GroupResource nodes{"", "nodes"};
  const std::string none;
  CO_TRY_ASSIGN(const auto object, co_await deps_.registry.get(exchange.scope, nodes, none, name.name));
  CO_TRY_ASSIGN(const KubeletAddress address, kubelet_address(object.as<core::Node>(), deps_.options.kubelet_preferred_address_types));
  CO_TRY_ASSIGN(const auto resolved, co_await deps_.runtime.network().resolve(exchange.ctx, address.host));
  for (const std::string& one : resolved)
    if (!is_proxyable_address(one)) co_return bad_request("address not allowed");
  if (resolved.empty()) co_return error(Reason::ServiceUnavailable, "no address for " + address.host);
  Target target;
  target.address = resolved.front();  // what was checked: a name may stand for another address by the next question
  if (name.port.empty() || name.port == address.port) {
    target.origin = address.origin();
    target.transport = &kubelets_->transport();
  } else {
    target.origin = (name.scheme.empty() ? "http" : name.scheme) + "://" + net::join_host_port(address.host, name.port);
    target.transport = plain_.get();
  }
  co_return target;
}

rt::Task<Result<Unit>> Connector::proxy(exchange::Exchange& exchange) {
  CO_TRY_ASSIGN(const Target target, co_await proxy_target(exchange));
  net::Request& request = exchange.request;
  const std::string path(path_behind(request.path, segments_before(exchange.info)));
  const bool upgrade = net::is_upgrade_request(request);
  if (path.empty() && !upgrade && (request.method == "GET" || request.method == "HEAD")) {
    // Relative links of the target's pages need the slash.
    const std::string query = request.query.empty() ? "" : "?" + request.query;
    exchange.writer.headers().set("Location", request.path + "/" + query);
    exchange.writer.headers().set("Content-Length", "0");
    exchange.status = 301;
    co_return co_await exchange.writer.start(301);
  }
  std::string url = target.origin + (path.empty() ? "/" : path);
  if (!request.query.empty()) url += "?" + request.query;
  const std::string prefix = request.path.substr(0, request.path.size() - path.size());
  net::ForwardOptions options;
  options.headers = net::forwarded_headers(request, upgrade);
  options.own_headers = true;
  options.address = target.address;
  options.headers.set("X-Forwarded-Uri", request.path);
  options.headers.set("X-Forwarded-Host", host_of(exchange));
  options.headers.set("X-Forwarded-Proto", request.scheme);
  options.on_answer = [&](net::Response& response) -> Result<Unit> {
    exchange.status = response.status;
    if (const std::string location(response.headers.get("location")); !location.empty())
      response.headers.set("Location", rewrite_location(location, target.origin, request.scheme, host_of(exchange), prefix));
    if (request.method != "HEAD") rewrite_links(response, target.origin, prefix);
    return Unit{};
  };
  if (upgrade) {
    auto joined = co_await net::forward_upgrade(exchange.ctx, request, exchange.writer, *target.transport, std::move(url), std::move(options));
    if (joined) co_return Unit{};
    co_return error(Reason::InternalError, "error dialing backend: " + joined.error().message);
  }
  auto forwarded = co_await net::forward_request(exchange.ctx, request, exchange.writer, *target.transport, std::move(url), std::move(options));
  if (forwarded || exchange.writer.started()) co_return Unit{};
  if (exchange.ctx.done()) co_return forwarded;
  co_return error(Reason::ServiceUnavailable, "error trying to reach service: " + forwarded.error().message);
}

}  // namespace pintle::apiserver::connect

// Where a request into a pod, service or node goes, from the objects alone: no I/O.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "net/url.h"

namespace pintle::apiserver::connect {

// "name", "name:port" or "scheme:name:port", as proxies name their target. nullopt: none of these.
struct ProxyName {
  std::string scheme;  // "", "http" or "https"
  std::string name;
  std::string port;  // a number or a port's name; "": none
};
std::optional<ProxyName> parse_proxy_name(std::string_view id);

// The container that a request without one means, or the named one if the pod has it. BadRequest otherwise.
Result<std::string> choose_container(const api::core_v1::Pod& pod, const std::string& wanted);

// exec's and attach's parameters, as clients of the API write them.
api::core_v1::PodExecOptions parse_exec_options(const net::Query& query);
// And as the kubelet reads them.
net::Query exec_query(const api::core_v1::PodExecOptions& options);
// The ports that a port-forward names; BadRequest for what is no number.
Result<net::Query> port_forward_query(const net::Query& query);

// Whether a proxy may go there: no loopback, link-local, multicast, broadcast or unspecified address, in whatever form it is written: an
// IPv6 address that carries an IPv4 one is judged by that.
bool is_proxyable_address(std::string_view address);

// "http://10.0.0.1:80" of a pod. BadRequest if its address is not allowed.
Result<std::string> pod_origin(const api::core_v1::Pod& pod, const ProxyName& name);
// The origin of one of the service's endpoints that `usable` accepts; they are tried from `seed` on. `id` is the name as
// it was given.
struct ServiceEndpoint {
  const api::core_v1::EndpointAddress* address;
  std::string origin;
};
Result<std::vector<ServiceEndpoint>> service_origins(const api::core_v1::Service* service, const api::core_v1::Endpoints& endpoints,
                                                     const ProxyName& name, uint64_t seed);
// Whether the endpoint is the pod that it names.
bool is_endpoint_of(const api::core_v1::EndpointAddress& address, std::string_view namespace_name, const api::core_v1::Pod& pod);

// What follows the object's subresource in a path as it was sent: "" or "/..." (still percent-encoded). `segments`: how many
// come before.
std::string_view path_behind(std::string_view raw_path, std::size_t segments);

// A redirect of the target's, as the client must see it: within the target, it goes through `prefix`.
std::string rewrite_location(const std::string& location, std::string_view origin, std::string_view scheme, std::string_view request_host,
                             std::string_view prefix);
// A link in a page of the target's: an absolute path of the target goes through `prefix`, all else stays.
std::string rewrite_link(std::string_view link, std::string_view origin, std::string_view prefix);

}  // namespace pintle::apiserver::connect

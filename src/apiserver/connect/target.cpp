#include "apiserver/connect/target.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apiserver/callout/service_resolver.h"
#include "base/ip_address.h"
#include "base/parse_number.h"

namespace pintle::apiserver::connect {

namespace {

namespace core = api::core_v1;

Unexpected<Status> unavailable(std::string message) { return error(Reason::ServiceUnavailable, std::move(message)); }

bool flag(const net::Query& query, std::string_view name) {
  const auto it = query.find(name);
  if (it == query.end() || it->second.empty()) return false;
  std::string text = it->second.front();
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text != "false" && text != "0";
}

std::vector<std::string> container_names(const core::Pod& pod) {
  std::vector<std::string> names;
  for (const auto& container : pod.spec.init_containers) names.push_back(container.name);
  for (const auto& container : pod.spec.containers) names.push_back(container.name);
  for (const auto& container : pod.spec.ephemeral_containers) names.push_back(container.name);
  return names;
}

std::string scheme_of(const ProxyName& name) { return name.scheme.empty() ? "http" : name.scheme; }

std::string pod_address(const core::Pod& pod) {
  if (!pod.status.pod_ips.empty()) return pod.status.pod_ips.front().ip;
  return pod.status.pod_ip;
}

// The absolute path of a link; nullopt where it leads somewhere else altogether, or is relative to the page: the client resolves
// it under the prefix. `is_target`: of "scheme://host" and "host".
template <class IsTarget>
std::optional<std::string_view> path_at(std::string_view link, IsTarget is_target) {
  std::string_view path = link;
  if (const auto authority = link.find("://"); authority != link.npos) {
    const auto slash = std::min(link.find('/', authority + 3), link.size());
    const std::string_view there = link.substr(0, slash);
    if (!is_target(there, there.substr(authority + 3))) return std::nullopt;
    path = link.substr(slash);
    if (path.empty()) path = "/";
  }
  if (!path.starts_with('/') || path.starts_with("//")) return std::nullopt;
  return path;
}

std::string through_prefix(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) ? std::string(path) : std::string(prefix) + std::string(path);
}

}  // namespace

std::optional<ProxyName> parse_proxy_name(std::string_view id) {
  ProxyName out;
  const auto first = id.find(':');
  const auto last = id.rfind(':');
  if (first == id.npos) {
    out.name = id;
  } else if (first == last) {
    out.name = id.substr(0, first);
    out.port = id.substr(first + 1);
  } else {
    out.scheme = id.substr(0, first);
    out.name = id.substr(first + 1, last - first - 1);
    out.port = id.substr(last + 1);
  }
  const bool scheme_known = out.scheme.empty() || out.scheme == "http" || out.scheme == "https";
  if (out.name.empty() || out.name.find(':') != out.name.npos || !scheme_known) return std::nullopt;
  return out;
}

Result<std::string> choose_container(const core::Pod& pod, const std::string& wanted) {
  const std::string& name = pod.metadata.name;
  const std::vector<std::string> names = container_names(pod);
  if (!wanted.empty()) {
    if (std::ranges::find(names, wanted) == names.end()) return bad_request(fmt::format("container {} is not valid for pod {}", wanted, name));
    return wanted;
  }
  if (pod.spec.containers.size() == 1) return pod.spec.containers.front().name;
  if (pod.spec.containers.empty()) return bad_request("a container name must be specified for pod " + name);
  return bad_request(fmt::format("a container name must be specified for pod {}, choose one of: [{}]", name, fmt::join(names, " ")));
}

core::PodExecOptions parse_exec_options(const net::Query& query) {
  core::PodExecOptions options;
  options.stdin = flag(query, "stdin");
  options.stdout = flag(query, "stdout");
  options.stderr = flag(query, "stderr");
  options.tty = flag(query, "tty");
  options.container = net::query_get(query, "container");
  if (const auto command = query.find("command"); command != query.end()) options.command = command->second;
  return options;
}

net::Query exec_query(const core::PodExecOptions& options) {
  net::Query query;
  const auto add = [&](const char* name, bool on) {
    if (on) query[name] = {"1"};
  };
  add("input", options.stdin);
  add("output", options.stdout);
  add("error", options.stderr);
  add("tty", options.tty);
  if (!options.command.empty()) query["command"] = options.command;
  return query;
}

Result<net::Query> port_forward_query(const net::Query& query) {
  net::Query out;
  const auto ports = query.find("ports");
  if (ports == query.end()) return out;
  for (const std::string& port : ports->second)
    if (!parse_number<int64_t>(port)) return bad_request(fmt::format("ports: \"{}\" is not a number", port));
  out["port"] = {fmt::format("{}", fmt::join(ports->second, ","))};
  return out;
}

namespace {

bool is_proxyable_ipv4(uint32_t ip) {
  const bool this_host = ip >> 24 == 0, loopback = ip >> 24 == 127, link_local = ip >> 16 == 0xa9fe, multicast = ip >> 28 == 0xe;
  return ip != 0xffffffff && !this_host && !loopback && !link_local && !multicast;
}

// IPv6 addresses that stand for an IPv4 one: where it is, by the leading bytes. RFC 4291 2.5.5, 6052, 3056, 2765, 8215. Mapped ones
// (::ffff:a.b.c.d) are read as IPv4 anyway.
struct Embedding {
  std::string_view prefix;
  std::size_t at;
};
using namespace std::string_view_literals;
constexpr Embedding embeddings[] = {
    {"\0\0\0\0\0\0\0\0\xff\xff\0\0"sv, 12},    // ::ffff:0:a.b.c.d
    {"\0\0\0\0\0\0\0\0\0\0\0\0"sv, 12},        // ::a.b.c.d, with :: and ::1 among them
    {"\0\x64\xff\x9b\0\0\0\0\0\0\0\0"sv, 12},  // 64:ff9b::a.b.c.d
    {"\0\x64\xff\x9b\0\1"sv, 12},              // 64:ff9b:1::/48, as /96
    {"\x20\x02"sv, 2},                         // 2002:aabb:ccdd::
};

uint32_t ipv4_at(const unsigned char* bytes) { return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3]; }

}  // namespace

bool is_proxyable_address(std::string_view address) {
  const auto ip = parse_address(address);
  if (!ip) return false;
  if (!ip->is_v6()) return is_proxyable_ipv4(ipv4_at(ip->bytes.data()));
  const bool link_local = ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80, multicast = ip->bytes[0] == 0xff;
  if (link_local || multicast) return false;
  return std::ranges::none_of(
      embeddings, [&](const Embedding& one) { return ip->wire().starts_with(one.prefix) && !is_proxyable_ipv4(ipv4_at(ip->bytes.data() + one.at)); });
}

Result<std::string> pod_origin(const core::Pod& pod, const ProxyName& name) {
  std::string port = name.port;
  for (const auto& container : pod.spec.containers) {
    if (!port.empty()) break;
    if (!container.ports.empty()) port = std::to_string(container.ports.front().container_port);
  }
  const std::string address = pod_address(pod);
  if (!is_proxyable_address(address)) return bad_request("address not allowed");
  return scheme_of(name) + "://" + net::join_host_port(address, port);
}

Result<std::vector<ServiceEndpoint>> service_origins(const core::Service* service, const core::Endpoints& endpoints, const ProxyName& name,
                                                     uint64_t seed) {
  std::string port_name = name.port;
  if (const auto port = parse_number<int32_t>(name.port); port && service != nullptr) {
    TRY_ASSIGN(const core::ServicePort* const found, callout::find_service_port(*service, *port));
    port_name = found->name;
  }
  std::vector<ServiceEndpoint> out;
  for (const auto& subset : endpoints.subsets)
    for (const auto& port : subset.ports) {
      if (port.name != port_name) continue;
      for (const auto& address : subset.addresses)
        out.push_back({&address, scheme_of(name) + "://" + net::join_host_port(address.ip, std::to_string(port.port))});
    }
  if (out.empty()) return unavailable(fmt::format("no endpoints available for service \"{}\"", name.name));
  std::ranges::rotate(out, out.begin() + static_cast<std::ptrdiff_t>(seed % out.size()));
  return out;
}

bool is_endpoint_of(const core::EndpointAddress& address, std::string_view namespace_name, const core::Pod& pod) {
  if (!address.target_ref || address.target_ref->namespace_ != namespace_name) return false;
  if (pod.status.pod_ip == address.ip) return true;
  return std::ranges::any_of(pod.status.pod_ips, [&](const auto& ip) { return ip.ip == address.ip; });
}

std::string_view path_behind(std::string_view raw_path, std::size_t segments) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < segments; ++i) {
    while (at < raw_path.size() && raw_path[at] == '/') ++at;
    at = std::min(raw_path.find('/', at), raw_path.size());
  }
  return raw_path.substr(at);
}

std::string rewrite_location(const std::string& location, std::string_view origin, std::string_view scheme, std::string_view request_host,
                             std::string_view prefix) {
  const auto path = path_at(location, [&](std::string_view there, std::string_view host) { return there == origin || host == request_host; });
  if (!path) return location;
  return fmt::format("{}://{}{}", scheme, request_host, through_prefix(*path, prefix));
}

std::string rewrite_link(std::string_view link, std::string_view origin, std::string_view prefix) {
  const auto path = path_at(link, [&](std::string_view there, std::string_view) { return there == origin; });
  return path ? through_prefix(*path, prefix) : std::string(link);
}

}  // namespace pintle::apiserver::connect

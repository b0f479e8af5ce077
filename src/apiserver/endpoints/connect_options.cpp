#include "apiserver/endpoints/connect_options.h"

#include <charconv>

#include "api/gen/core_v1.h"
#include "apiserver/connect/target.h"
#include "base/check.h"
#include "net/url.h"

namespace pintle::apiserver::endpoints {

namespace {

namespace core = api::core_v1;

constexpr std::size_t parts_before_path = 3;  // resource, name, subresource

// What follows the subresource, with a slash at its front, and at its end where the request's has one; "": nothing does.
std::string path_of(const RequestInfo& info) {
  std::string path;
  for (std::size_t i = parts_before_path; i < info.parts.size(); ++i) path.append("/").append(info.parts[i]);
  if (info.path.ends_with('/') && !path.ends_with('/')) path += '/';
  return path;
}

core::PodAttachOptions attach_options(const core::PodExecOptions& options) {
  core::PodAttachOptions out;
  out.stdin = options.stdin;
  out.stdout = options.stdout;
  out.stderr = options.stderr;
  out.tty = options.tty;
  out.container = options.container;
  return out;
}

Result<core::PodPortForwardOptions> forward_options(const net::Query& query) {
  core::PodPortForwardOptions out;
  TRY(connect::port_forward_query(query));  // refuses what is no number
  const auto ports = query.find("ports");
  if (ports == query.end()) return out;
  for (const std::string& text : ports->second) {
    int32_t port = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) return bad_request("ports: \"" + text + "\" is not a port");
    out.ports.push_back(port);
  }
  return out;
}

template <class T>
api::Object proxy_options(const RequestInfo& info) {
  T out;
  out.path = path_of(info);
  return api::Object::of<T>(std::move(out));
}

}  // namespace

Result<api::Object> connect_options(const exchange::Exchange& exchange, const api::KindInfo& kind) {
  const std::string_view name = kind.gvk.kind;
  if (name == "PodProxyOptions") return proxy_options<core::PodProxyOptions>(exchange.info);
  if (name == "ServiceProxyOptions") return proxy_options<core::ServiceProxyOptions>(exchange.info);
  if (name == "NodeProxyOptions") return proxy_options<core::NodeProxyOptions>(exchange.info);
  const net::Query query = net::parse_query(exchange.request.query);
  if (name == "PodExecOptions") return api::Object::of<core::PodExecOptions>(connect::parse_exec_options(query));
  if (name == "PodAttachOptions") return api::Object::of<core::PodAttachOptions>(attach_options(connect::parse_exec_options(query)));
  CHECK(name == "PodPortForwardOptions", "a connect without options of its own");
  TRY_ASSIGN(core::PodPortForwardOptions forward, forward_options(query));
  return api::Object::of<core::PodPortForwardOptions>(std::move(forward));
}

}  // namespace pintle::apiserver::endpoints

#include "apiserver/connect/connector.h"

#include <fmt/format.h>

#include "apimachinery/pod_logs/log_options.h"
#include "apiserver/connect/log_socket.h"
#include "apiserver/connect/stream_translator.h"
#include "apiserver/connect/tunnel.h"
#include "apiserver/types/errors.h"
#include "net/forward.h"
#include "net/websocket.h"

namespace pintle::apiserver::connect {

namespace {

namespace core = api::core_v1;

constexpr std::size_t kubelet_error_bytes_max = 50000;  // of a kubelet's refusal that the client is shown

// As upstream shows what a kubelet answered instead of a log.
Status log_failure(int code, const std::string& text, const std::string& name) {
  if (code == 500) return errors::internal_error(text);
  if (code == 400) return Status{Reason::BadRequest, 0, text, {}};
  Status status = errors::server_answer(code, text);
  status.details.name = name;
  status.details.kind = "pods/log";
  status.message += fmt::format(" ( pods/log {})", name);
  return status;
}

// Attaching is running a command, but for the command.
core::PodExecOptions exec_options(const api::Object& admitted) {
  if (admitted.is<core::PodExecOptions>()) return admitted.as<core::PodExecOptions>();
  const auto& attach = admitted.as<core::PodAttachOptions>();
  core::PodExecOptions out;
  out.stdin = attach.stdin;
  out.stdout = attach.stdout;
  out.stderr = attach.stderr;
  out.tty = attach.tty;
  out.container = attach.container;
  return out;
}

}  // namespace

Result<std::unique_ptr<Connector>> Connector::make(ConnectorDeps deps) {
  auto out = std::make_unique<Connector>(deps);
  TRY_ASSIGN(out->kubelets_, KubeletClient::make(deps.runtime, deps.options));
  net::ClientOptions plain;
  plain.insecure_skip_verify = true;
  plain.http2 = false;
  TRY_ASSIGN(out->plain_, net::make_forwarding_transport(deps.runtime, std::move(plain)));
  return out;
}

rt::Task<void> Connector::close() {
  co_await kubelets_->close();
  co_await plain_->close();
}

bool Connector::handles(std::string_view group, std::string_view resource, std::string_view subresource) {
  if (!group.empty()) return false;
  if (subresource == "proxy") return resource == "pods" || resource == "services" || resource == "nodes";
  return resource == "pods" && (subresource == "log" || subresource == "exec" || subresource == "attach" || subresource == "portforward");
}

rt::Task<Result<Unit>> Connector::serve(exchange::Exchange& exchange, registry::Admitted options) {
  const std::string& sub = exchange.info.subresource;
  if (sub == "proxy") co_return co_await proxy(exchange);
  if (sub == "portforward") co_return co_await port_forward(exchange);
  co_return co_await exec(exchange, options);
}

rt::Task<Result<core::Pod>> Connector::pod_of(exchange::Exchange& exchange, std::string name) {
  const GroupResource pods{"", "pods"};
  CO_TRY_ASSIGN(auto object, co_await deps_.registry.get(exchange.scope, pods, exchange.scope.ns, std::move(name)));
  co_return std::move(object.as<core::Pod>());
}

rt::Task<Result<std::string>> Connector::kubelet_of(exchange::Exchange& exchange, std::string node_name) {
  const GroupResource nodes{"", "nodes"};
  const std::string none;
  CO_TRY_ASSIGN(const auto object, co_await deps_.registry.get(exchange.scope, nodes, none, std::move(node_name)));
  CO_TRY_ASSIGN(const KubeletAddress address, kubelet_address(object.as<core::Node>(), deps_.options.kubelet_preferred_address_types));
  co_return address.origin();
}

// A WebSocket is opened by GET, and yet it does what needs the right to create.
rt::Task<Result<Unit>> Connector::may_create(exchange::Exchange& exchange) {
  if (exchange.info.verb == "create" || deps_.authorizer == nullptr) co_return Unit{};
  if (!deps_.options.feature_gates.enabled("AuthorizePodWebsocketUpgradeCreatePermission")) co_return Unit{};
  authorization::AuthorizationAttributes attributes = authorization::make_attributes(exchange.scope.user, exchange.info);
  attributes.verb = "create";
  const auto result = co_await deps_.authorizer->authorize(exchange.ctx, attributes);
  if (result.decision == authorization::Decision::Allow) co_return Unit{};
  co_return Unexpected(errors::forbidden({exchange.info.group, exchange.info.resource}, exchange.info.name, result.reason));
}

rt::Task<Result<Unit>> Connector::log(exchange::Exchange& exchange) {
  CO_TRY_ASSIGN(auto options, apimachinery::parse_log_options(net::parse_query(exchange.request.query)));
  if (!options.stream) options.stream = std::string(apimachinery::log_stream_all);
  CO_TRY(apimachinery::validate_log_options(options).result("", "PodLogOptions", exchange.info.name));
  CO_TRY_ASSIGN(const core::Pod pod, co_await pod_of(exchange, exchange.info.name));
  CO_TRY_ASSIGN(const std::string container, choose_container(pod, options.container));
  if (pod.spec.node_name.empty()) {
    exchange.status = 204;
    co_return co_await exchange.writer.start(204);
  }
  CO_TRY_ASSIGN(std::string url, co_await kubelet_of(exchange, pod.spec.node_name));
  url += fmt::format("/containerLogs/{}/{}/{}?{}", pod.metadata.namespace_, pod.metadata.name, container,
                     net::format_query(apimachinery::log_options_query(options)));
  net::ClientRequest request;
  request.url = std::move(url);
  net::Transport& transport = options.insecure_skip_tls_verify_backend ? kubelets_->unchecked_transport() : kubelets_->transport();
  auto sent = co_await transport.send(exchange.ctx, std::move(request));
  if (!sent) co_return Unexpected(errors::internal_error(fmt::format("Get \"{}\": {}", "https://" + pod.spec.node_name, sent.error().message)));
  if (sent->status < 200 || sent->status > 206) {
    auto text = co_await net::read_all(exchange.ctx, *sent->body, kubelet_error_bytes_max);
    const std::string said(text ? text->view() : "");
    co_return Unexpected(log_failure(sent->status, said, exchange.info.name));
  }
  if (net::is_websocket_request(exchange.request)) {
    exchange.status = 101;
    (void)co_await send_log_by_websocket(exchange.request, exchange.writer, deps_.runtime.random(),
                                         std::move(sent->body));  // answers a malformed handshake itself
    co_return Unit{};
  }
  exchange.status = 200;
  net::Response response = std::move(*sent);
  response.headers = net::Headers();
  response.headers.set("Content-Type", "text/plain");
  response.headers.set("Cache-Control", "no-cache, private");
  co_return co_await net::pass_answer(exchange.ctx, response, exchange.writer);
}

rt::Task<Result<Unit>> Connector::exec(exchange::Exchange& exchange, const registry::Admitted& admitted) {
  CO_TRY(co_await may_create(exchange));
  const core::PodExecOptions options = exec_options(admitted.object());
  CO_TRY_ASSIGN(const core::Pod pod, co_await pod_of(exchange, exchange.info.name));
  CO_TRY_ASSIGN(const std::string container, choose_container(pod, options.container));
  if (pod.spec.node_name.empty()) co_return bad_request(fmt::format("pod {} does not have a host assigned", exchange.info.name));
  CO_TRY_ASSIGN(std::string url, co_await kubelet_of(exchange, pod.spec.node_name));
  url += fmt::format("/{}/{}/{}/{}?{}", exchange.info.subresource, pod.metadata.namespace_, pod.metadata.name, container,
                     net::format_query(exec_query(options)));
  if (!wants_stream_translation(exchange.request)) co_return co_await forward_upgrade(exchange, std::move(url));
  TranslatedStreams streams;
  streams.stdin = options.stdin;
  streams.stdout = options.stdout;
  streams.stderr = options.stderr;
  streams.tty = options.tty;
  exchange.status = 101;
  (void)co_await translate_streams(exchange.ctx, exchange.request, exchange.writer, deps_.runtime, kubelets_->transport(), std::move(url), streams);
  co_return Unit{};  // a malformed handshake has been answered
}

rt::Task<Result<Unit>> Connector::port_forward(exchange::Exchange& exchange) {
  CO_TRY(co_await may_create(exchange));
  CO_TRY_ASSIGN(const net::Query query, port_forward_query(net::parse_query(exchange.request.query)));
  CO_TRY_ASSIGN(const core::Pod pod, co_await pod_of(exchange, exchange.info.name));
  if (pod.spec.node_name.empty()) co_return bad_request(fmt::format("pod {} does not have a host assigned", exchange.info.name));
  CO_TRY_ASSIGN(std::string url, co_await kubelet_of(exchange, pod.spec.node_name));
  url += fmt::format("/portForward/{}/{}?{}", pod.metadata.namespace_, pod.metadata.name, net::format_query(query));
  if (!wants_tunnel(exchange.request)) co_return co_await forward_upgrade(exchange, std::move(url));
  exchange.status = 101;
  auto tunnelled = co_await tunnel_spdy(exchange.ctx, exchange.request, exchange.writer, deps_.runtime, kubelets_->transport(), std::move(url));
  if (!tunnelled) co_return Unexpected(errors::internal_error(tunnelled.error().message));
  co_return Unit{};
}

rt::Task<Result<Unit>> Connector::forward_upgrade(exchange::Exchange& exchange, std::string url) {
  if (!net::is_upgrade_request(exchange.request)) co_return bad_request("Upgrade request required");
  net::ForwardOptions options;
  options.on_answer = [&exchange](net::Response& response) -> Result<Unit> {
    exchange.status = response.status;
    return Unit{};
  };
  auto joined =
      co_await net::forward_upgrade(exchange.ctx, exchange.request, exchange.writer, kubelets_->transport(), std::move(url), std::move(options));
  if (!joined) co_return Unexpected(errors::internal_error("error dialing backend: " + joined.error().message));
  co_return Unit{};
}

}  // namespace pintle::apiserver::connect

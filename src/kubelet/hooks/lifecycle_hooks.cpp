#include "kubelet/hooks/lifecycle_hooks.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/container_config/container_port.h"
#include "net/client.h"
#include "rt/far_time.h"
#include "rt/sync.h"

namespace pintle::kubelet::hooks {

using namespace api::core_v1;

namespace {
constexpr std::size_t answer_bytes_max = 10 << 10;
constexpr rt::Duration connect_timeout = std::chrono::seconds(30);
}  // namespace

LifecycleHooks::LifecycleHooks(rt::Runtime& runtime, cri::RuntimeClient& cri) : runtime_(runtime), cri_(cri) {}
LifecycleHooks::~LifecycleHooks() = default;

rt::Task<Result<Unit>> LifecycleHooks::run(rt::Context ctx, HookTarget target, LifecycleHandler handler) {
  if (handler.exec) {
    CO_TRY_ASSIGN(const auto answer, co_await cri_.exec_sync(ctx, target.container_id, handler.exec->command, rt::Duration(0)));
    if (answer.exit_code == 0) co_return Unit{};
    co_return internal(
        fmt::format("command '{}' exited with {}: {}{}", fmt::join(handler.exec->command, " "), answer.exit_code, answer.stdout, answer.stderr));
  }
  if (handler.sleep) co_return co_await rt::sleep_for(ctx, rt::seconds_of(handler.sleep->seconds));
  if (handler.http_get) co_return co_await run_http(std::move(ctx), std::move(target), *handler.http_get);
  if (handler.tcp_socket) {
    const auto container = container_config::find_container(target.pod->spec, target.container);
    if (!container) co_return internal("no container " + target.container);
    rt::Endpoint endpoint;
    CO_TRY_ASSIGN(endpoint.port, container_config::resolve_port(handler.tcp_socket->port, *container));
    endpoint.address = handler.tcp_socket->host.empty() ? target.pod_ip : handler.tcp_socket->host;
    const rt::Context bounded = ctx.with_timeout(connect_timeout);
    CO_TRY_ASSIGN(auto stream, co_await runtime_.network().connect(bounded, std::move(endpoint)));
    stream->close();
    co_return Unit{};
  }
  co_return bad_request("invalid handler: " + target.container);
}

rt::Task<Result<Unit>> LifecycleHooks::run_http(rt::Context ctx, HookTarget target, HTTPGetAction action) {
  const auto container = container_config::find_container(target.pod->spec, target.container);
  if (!container) co_return internal("no container " + target.container);
  CO_TRY_ASSIGN(const uint16_t port, container_config::resolve_port(action.port, *container));
  if (!transport_) {
    net::ClientOptions options;
    options.insecure_skip_verify = true;  // the pod's own certificate says nothing to the node
    CO_TRY_ASSIGN(transport_, net::make_transport(runtime_, options));
  }
  const std::string host = action.host.empty() ? target.pod_ip : action.host;
  net::ClientRequest request;
  const std::string scheme = to_lower(action.scheme.empty() ? "http" : action.scheme);
  const std::string path = action.path.starts_with('/') ? action.path : "/" + action.path;
  request.url = scheme + "://" + rt::to_string(rt::Endpoint{host, port}) + path;
  for (const auto& header : action.http_headers) request.headers.add(header.name, header.value);
  if (!request.headers.has("user-agent")) request.headers.add("User-Agent", "kube-lifecycle/1.36");
  if (!request.headers.has("accept")) request.headers.add("Accept", "*/*");
  CO_TRY_ASSIGN(auto response, co_await transport_->send(ctx, std::move(request)));
  (void)co_await net::read_all(ctx, *response.body, answer_bytes_max);
  co_return Unit{};
}

rt::Task<void> LifecycleHooks::close() {
  if (transport_) co_await transport_->close();
}

}  // namespace pintle::kubelet::hooks

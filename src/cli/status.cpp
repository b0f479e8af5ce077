#include "cli/status.h"

#include <algorithm>

#include "api/gen/core_v1.h"
#include "cli/removal.h"
#include "client/kubeconfig.h"
#include "net/client.h"

namespace pintle::cli {
namespace {

constexpr auto probe_timeout = std::chrono::seconds(5);
constexpr std::size_t answer_bytes_max = 64 << 10;
constexpr uint16_t kubelet_health_port = 10248;
constexpr uint16_t proxy_health_port = 10256;

rt::Task<ComponentHealth> probe_url(rt::Runtime& runtime, std::string name, std::string url) {
  const rt::Context ctx = rt::Context::background().with_timeout(probe_timeout);
  net::ClientOptions options;
  auto transport = net::make_transport(runtime, std::move(options));
  if (!transport) co_return ComponentHealth{std::move(name), false, transport.error().message};
  net::ClientRequest request;
  request.url = url;
  ComponentHealth out{std::move(name), false, {}};
  {
    auto answer = co_await (*transport)->send(ctx, std::move(request));
    if (!answer) {
      out.detail = answer.error().message;
    } else {
      auto body = co_await net::read_all(ctx, *answer->body, answer_bytes_max);
      out.healthy = answer->status == 200;
      out.detail = out.healthy ? url : url + ": " + (body ? std::string(body->view()) : body.error().message);
    }
  }
  co_await (*transport)->close();
  co_return out;
}

// The API server's readiness, and the node's as the cluster sees it.
rt::Task<void> probe_api(rt::Runtime& runtime, const Installation& installation, std::vector<ComponentHealth>& out) {
  const rt::Context ctx = rt::Context::background().with_timeout(probe_timeout);
  auto config = client::load_kubeconfig(runtime.disk(), installation.kubeconfig);
  auto client = config ? client::connect(runtime, *config) : Result<std::unique_ptr<client::Client>>(Unexpected(config.error()));
  if (!client) {
    out.push_back({"api-server", false, client.error().message});
    co_return;
  }
  net::ClientRequest request;
  request.url = "/readyz";
  auto ready = co_await (*client)->send(ctx, std::move(request));
  out.push_back({"api-server", ready && ready->status == 200,
                 ready ? config->client.server + " answers " + std::to_string(ready->status) : ready.error().message});
  if (installation.node && ready) {
    auto node = co_await (*client)->get<api::core_v1::Node>(ctx, std::string(), installation.node_name);
    ComponentHealth health{"node " + installation.node_name, false, node ? "has no Ready condition" : node.error().message};
    if (node) {
      for (const auto& condition : node->status.conditions)
        if (condition.type == "Ready") health = {health.name, condition.status == "True", condition.reason + ": " + condition.message};
    }
    out.push_back(std::move(health));
  }
  ready = Unexpected(Status{});
  co_await (*client)->close();
}

}  // namespace

rt::Task<std::vector<ComponentHealth>> probe_health(rt::Runtime& runtime, Layout layout, Installation installation) {
  std::vector<ComponentHealth> out;
  const int pid = running_process(layout);
  out.push_back({installation.server ? "pintle server" : "pintle agent", pid != 0, pid != 0 ? "process " + std::to_string(pid) : "does not run"});
  if (installation.server) co_await probe_api(runtime, installation, out);
  if (installation.node) {
    if (installation.runtime_endpoint.empty()) {
      auto socket = co_await runtime.network().connect_unix(rt::Context::background().with_timeout(probe_timeout), layout.containerd_socket());
      out.push_back({"containerd", socket.has_value(), socket ? layout.containerd_socket() : socket.error().message});
    }
    out.push_back(co_await probe_url(runtime, "kubelet", "http://127.0.0.1:" + std::to_string(kubelet_health_port) + "/healthz"));
    if (installation.proxy)
      out.push_back(co_await probe_url(runtime, "kube-proxy", "http://127.0.0.1:" + std::to_string(proxy_health_port) + "/healthz"));
  }
  co_return out;
}

std::string format_health(const std::vector<ComponentHealth>& health) {
  std::size_t width = 0;
  for (const ComponentHealth& component : health) width = std::max(width, component.name.size());
  std::string out;
  for (const ComponentHealth& component : health)
    out += component.name + std::string(width - component.name.size() + 2, ' ') + (component.healthy ? "ok        " : "UNHEALTHY ") +
           component.detail + "\n";
  return out;
}

bool all_healthy(const std::vector<ComponentHealth>& health) {
  return std::all_of(health.begin(), health.end(), [](const ComponentHealth& component) { return component.healthy; });
}

}  // namespace pintle::cli

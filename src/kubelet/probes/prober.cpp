#include "kubelet/probes/prober.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "codec/proto_wire.h"
#include "kubelet/container_config/container_port.h"
#include "kubelet/container_config/expansion.h"
#include "net/grpc/channel.h"
#include "net/grpc/code.h"
#include "net/url.h"

namespace pintle::kubelet::probes {

namespace {

using Outcome = ProbeRun::Result;

constexpr std::string_view user_agent = "kube-probe/1.36";
constexpr int redirects_max = 10;
constexpr uint64_t health_serving = 1;

std::string seconds_text(rt::Duration timeout) { return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(timeout).count()) + "s"; }

std::string host_and_port(const std::string& host, uint16_t port) {
  return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// grpc.health.v1.HealthCheckRequest{service = 1}.
std::string health_request(const std::string& service) {
  std::string out;
  if (service.empty()) return out;
  out += '\x0A';
  std::size_t size = service.size();
  for (; size >= 0x80; size >>= 7) out += static_cast<char>(size | 0x80);
  out += static_cast<char>(size);
  return out + service;
}

// HealthCheckResponse{status = 1}.
uint64_t health_status(std::string_view message) {
  codec::ProtoReader reader(message);
  uint32_t number = 0;
  codec::WireType type{};
  uint64_t status = 0;
  while (!reader.at_end() && reader.tag(number, type)) {
    if (number == 1 && type == codec::WireType::Varint) {
      if (!reader.varint(status)) break;
    } else if (!reader.skip(number, type)) {
      break;
    }
  }
  return status;
}

std::string health_name(uint64_t status) {
  switch (status) {
    case 0: return "UNKNOWN";
    case 1: return "SERVING";
    case 2: return "NOT_SERVING";
    case 3: return "SERVICE_UNKNOWN";
  }
  return std::to_string(status);
}

// Where a redirect leads, if it stays on the host; "" if it leaves it.
std::string local_redirect(const std::string& url, std::string_view location) {
  const auto here = net::parse_url(url);
  if (!here || location.empty()) return "";
  if (location.starts_with("/") && !location.starts_with("//")) return here->scheme + "://" + here->authority + std::string(location);
  const auto there = net::parse_url(location);
  return there && there->host == here->host ? std::string(location) : "";
}

ProbeRun failure(std::string message) { return {Outcome::Failure, std::move(message)}; }
ProbeRun probe_error(const Status& status) { return {Outcome::Error, status.message}; }

// What Go's client says of a request that ran out of time.
std::string request_failure(const std::string& url, const Status& status) {
  const std::string why =
      status.reason == Reason::Timeout ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)" : status.message;
  return "Get \"" + url + "\": " + why;
}

}  // namespace

Result<net::ClientRequest> probe_request(const api::core_v1::HTTPGetAction& action, const api::core_v1::Container& container,
                                         const std::string& pod_ip) {
  TRY_ASSIGN(const uint16_t port, container_config::resolve_port(action.port, container));
  net::ClientRequest out;
  const std::string scheme = action.scheme.empty() ? "http" : to_lower(action.scheme);
  std::string path = action.path;
  if (!path.starts_with('/')) path.insert(0, 1, '/');
  out.url = scheme + "://" + host_and_port(action.host.empty() ? pod_ip : action.host, port) + path;
  for (const auto& header : action.http_headers) out.headers.add(header.name, header.value);
  if (!out.headers.has("User-Agent")) out.headers.set("User-Agent", std::string(user_agent));
  if (!out.headers.has("Accept")) {
    out.headers.set("Accept", "*/*");
  } else if (out.headers.get("Accept").empty()) {
    out.headers.remove("Accept");
  }
  // Each probe is a connection of its own: what is asked is whether one can be made.
  out.headers.set("Connection", "close");
  return out;
}

Prober::Prober(rt::Runtime& runtime, ExecInContainer exec) : runtime_(runtime), exec_(std::move(exec)) {
  net::ClientOptions options;
  options.insecure_skip_verify = true;
  options.http2 = false;
  options.connections_per_host_max = 1024;
  auto made = net::make_transport(runtime, std::move(options));
  CHECK(made.has_value(), "a transport without files can be made");
  transport_ = std::move(*made);
}
Prober::~Prober() = default;

rt::Task<void> Prober::close() { co_await transport_->close(); }

rt::Task<ProbeRun> Prober::run(rt::Context ctx, const api::core_v1::Probe& probe, ProbeTarget target) {
  const rt::Duration timeout = std::chrono::seconds(std::max(probe.timeout_seconds, 1));
  if (probe.exec) co_return co_await exec(ctx, probe, std::move(target), timeout);
  if (probe.http_get) co_return co_await http(ctx, *probe.http_get, std::move(target), timeout);
  if (probe.tcp_socket) {
    const auto port = container_config::resolve_port(probe.tcp_socket->port, target.container);
    if (!port) co_return probe_error(port.error());
    std::string host = probe.tcp_socket->host.empty() ? target.pod_ip : probe.tcp_socket->host;
    co_return co_await tcp(ctx, std::move(host), *port, timeout);
  }
  if (probe.grpc) co_return co_await grpc(ctx, std::move(target.pod_ip), probe.grpc->port, probe.grpc->service.value_or(""), timeout);
  co_return ProbeRun{Outcome::Error, "missing probe handler for " + target.container.name};
}

rt::Task<ProbeRun> Prober::exec(rt::Context ctx, const api::core_v1::Probe& probe, ProbeTarget target, rt::Duration timeout) {
  // The values that the spec itself states are all that a probe's command may refer to.
  const auto stated = [&target](std::string_view name) -> std::optional<std::string> {
    for (const auto& variable : target.container.env)
      if (variable.name == name && !variable.value_from) return variable.value;
    return std::nullopt;
  };
  std::vector<std::string> command;
  for (const std::string& word : probe.exec->command) command.push_back(container_config::expand(word, stated));
  auto ran = co_await exec_(ctx, target.container_id, std::move(command), timeout);
  if (!ran && ran.error().reason == Reason::Timeout) co_return failure("command timed out: " + ran.error().message);
  if (!ran) co_return probe_error(ran.error());
  if (ran->output.size() > probe_output_bytes_max) ran->output.resize(probe_output_bytes_max);
  co_return ProbeRun{ran->exit_code == 0 ? Outcome::Success : Outcome::Failure, std::move(ran->output)};
}

rt::Task<ProbeRun> Prober::http(rt::Context ctx, const api::core_v1::HTTPGetAction& action, ProbeTarget target, rt::Duration timeout) {
  auto request = probe_request(action, target.container, target.pod_ip);
  if (!request) co_return probe_error(request.error());
  const rt::Context bounded = ctx.with_timeout(timeout);
  for (int followed = 0;; ++followed) {
    auto response = co_await transport_->send(bounded, *request);
    if (!response) co_return failure(request_failure(request->url, response.error()));
    auto body = co_await net::read_all(bounded, *response->body, probe_output_bytes_max);
    if (!body && body.error().reason != Reason::RequestEntityTooLarge) co_return failure(request_failure(request->url, body.error()));
    const int status = response->status;
    if (status >= 200 && status < 300) co_return ProbeRun{Outcome::Success, ""};
    if (status < 300 || status >= 400) co_return failure("HTTP probe failed with statuscode: " + std::to_string(status));
    std::string next = local_redirect(request->url, response->headers.get("Location"));
    if (next.empty()) {
      const std::string shown = body ? std::string(body->view()) : std::string();
      co_return ProbeRun{Outcome::Warning, "Probe terminated redirects, Response body: " + shown};
    }
    if (followed == redirects_max) co_return failure("Get \"" + next + "\": stopped after 10 redirects");
    request->url = std::move(next);
  }
}

rt::Task<ProbeRun> Prober::tcp(rt::Context ctx, std::string host, uint16_t port, rt::Duration timeout) {
  const rt::Context bounded = ctx.with_timeout(timeout);
  const std::string name = host_and_port(host, port);
  auto addresses = co_await runtime_.network().resolve(bounded, host);
  if (!addresses) co_return failure("dial tcp: " + addresses.error().message);
  std::string why;
  for (const std::string& address : *addresses) {
    const rt::Endpoint endpoint{address, port};
    auto stream = co_await runtime_.network().connect(bounded, endpoint);
    if (stream) co_return ProbeRun{Outcome::Success, ""};
    why = stream.error().reason == Reason::Timeout ? "i/o timeout" : stream.error().message;
  }
  co_return failure("dial tcp " + name + ": " + why);
}

rt::Task<ProbeRun> Prober::grpc(rt::Context ctx, std::string host, int32_t port, std::string service, rt::Duration timeout) {
  const std::string address = host_and_port(host, static_cast<uint16_t>(port));
  net::grpc::ChannelOptions options;
  options.target = "http://" + address;
  options.dial_timeout = timeout;
  auto channel = net::grpc::Channel::make(runtime_, std::move(options));
  if (!channel) co_return probe_error(channel.error());
  std::string message = health_request(service);
  auto answer = co_await (*channel)->unary(ctx.with_timeout(timeout), "/grpc.health.v1.Health/Check", std::move(message));
  co_await (*channel)->close();
  if (!answer) {
    const Status& why = answer.error();
    if (why.reason == Reason::Timeout)
      co_return failure("timeout: failed to connect service \"" + address + "\" within " + seconds_text(timeout) + ": context deadline exceeded");
    if (why.reason == Reason::MethodNotAllowed)
      co_return failure("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): " + why.message);
    co_return failure("error: health rpc probe failed: " + why.message);
  }
  const uint64_t status = health_status(*answer);
  if (status != health_serving) co_return failure("service unhealthy (responded with \"" + health_name(status) + "\")");
  co_return ProbeRun{Outcome::Success, "service healthy"};
}

}  // namespace pintle::kubelet::probes

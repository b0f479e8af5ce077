#include "apiserver/connect/kubelet_client.h"

#include "apiserver/connect/target.h"

namespace pintle::apiserver::connect {

namespace {
constexpr std::string_view default_kubelet_port = "10250";
}  // namespace

std::string KubeletAddress::origin() const { return "https://" + net::join_host_port(host, port); }

Result<KubeletAddress> kubelet_address(const api::core_v1::Node& node, const std::vector<std::string>& preferred) {
  KubeletAddress out;
  const int32_t port = node.status.daemon_endpoints.kubelet_endpoint.port;
  out.port = port > 0 ? std::to_string(port) : std::string(default_kubelet_port);
  for (const std::string& type : preferred)
    for (const auto& address : node.status.addresses) {
      if (address.type != type) continue;
      out.host = address.address;
      return out;
    }
  std::string known;
  for (const auto& address : node.status.addresses) known += (known.empty() ? "{" : " {") + address.type + " " + address.address + "}";
  return internal("no preferred addresses found; known addresses: [" + known + "]");
}

Result<std::unique_ptr<KubeletClient>> KubeletClient::make(rt::Runtime& runtime, const ApiServerOptions& options) {
  net::ClientOptions client;
  client.cert_file = options.kubelet_client_certificate;
  client.key_file = options.kubelet_client_key;
  client.ca_file = options.kubelet_certificate_authority;
  client.insecure_skip_verify = client.ca_file.empty();
  client.http2 = false;
  client.dial_timeout = options.kubelet_timeout;
  auto out = std::make_unique<KubeletClient>();
  TRY_ASSIGN(out->transport_, net::make_forwarding_transport(runtime, client));
  client.ca_file.clear();
  client.insecure_skip_verify = true;
  TRY_ASSIGN(out->unchecked_, net::make_transport(runtime, std::move(client)));
  return out;
}

rt::Task<void> KubeletClient::close() {
  co_await transport_->close();
  co_await unchecked_->close();
}

}  // namespace pintle::apiserver::connect

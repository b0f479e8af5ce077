// KubeletClient: how this server reaches kubelets: which address of a node, which port, by which certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "apiserver/types/options.h"
#include "net/forwarding_transport.h"
#include "rt/runtime.h"

namespace pintle::apiserver::connect {

struct KubeletAddress {
  std::string host;
  std::string port;
  std::string origin() const;  // "https://host:port"
};
// By the first of `preferred` kinds that the node has. InternalError if it has none of them.
Result<KubeletAddress> kubelet_address(const api::core_v1::Node& node, const std::vector<std::string>& preferred);

class KubeletClient {
 public:
  // An error names the certificate file at fault. Without a CA, kubelets' certificates are not checked, as upstream.
  static Result<std::unique_ptr<KubeletClient>> make(rt::Runtime& runtime, const ApiServerOptions& options);
  net::ForwardingTransport& transport() { return *transport_; }
  // For log requests that ask not to check the kubelet's certificate.
  net::Transport& unchecked_transport() { return *unchecked_; }
  rt::Task<void> close();

 private:
  std::unique_ptr<net::ForwardingTransport> transport_;
  std::unique_ptr<net::Transport> unchecked_;
};

}  // namespace pintle::apiserver::connect

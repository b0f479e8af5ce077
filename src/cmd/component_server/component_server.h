// ComponentServer: health, metrics and configuration of a component, as upstream serves them: certificates or tokens say
// who asks, and the API server is asked whether that is allowed. The paths of `always_allow_paths` are open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/client.h"
#include "component/metrics.h"
#include "rt/runtime.h"

namespace pintle::cmd {

struct ComponentServerSetup {
  rt::Runtime& runtime;
  client::Client* client = nullptr;  // for reviews; nullptr: only open paths are served
  component::metrics::Registry& metrics;
  std::string name;  // "kube-scheduler": of the certificate that is made
  std::string bind_address = "0.0.0.0";
  uint16_t port = 0;                // 0: any
  std::string cert_file, key_file;  // "": self-signed, under cert_dir
  std::string cert_dir;             // "": a temporary folder, removed at the end
  std::string client_ca_file;
  int tls_min_version = 12;
  std::vector<std::string> cipher_suites;
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  std::function<bool()> ready;                // for /readyz
  std::map<std::string, std::string> config;  // JSON by name: /configz
};

class ComponentServer {
 public:
  virtual ~ComponentServer() = default;
  virtual rt::Task<Result<Unit>> start() = 0;
  virtual rt::Task<void> stop() = 0;
};

std::unique_ptr<ComponentServer> make_component_server(ComponentServerSetup setup);

}  // namespace pintle::cmd

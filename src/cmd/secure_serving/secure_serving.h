// The secure port of a component that is no API server: /healthz, /livez and /readyz for everyone, /metrics (and whatever
// else) for those whom the API server lets read it: it is asked who a token is (TokenReview), and who may do what
// (SubjectAccessReview).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "component/metrics.h"
#include "net/server.h"

namespace pintle::cmd {

struct SecureServingSetup {
  rt::Runtime& runtime;
  std::string component;  // "kube-controller-manager": the name in its own certificate
  std::string bind_address = "0.0.0.0";
  uint16_t port = 0;
  net::ServerTls tls;    // without files: a certificate of its own, kept in cert_dir
  std::string cert_dir;  // "": /run/pintle/COMPONENT
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  client::Client* reviewer = nullptr;  // who asks the API server; nullptr: nobody else is let in
  std::function<bool()> healthy;       // none: always
  component::metrics::Registry* metrics = nullptr;
};

class SecureServing {
 public:
  virtual ~SecureServing() = default;
  virtual rt::Task<Result<Unit>> start() = 0;
  virtual rt::Task<void> stop() = 0;
};

std::unique_ptr<SecureServing> make_secure_serving(SecureServingSetup setup);

}  // namespace pintle::cmd

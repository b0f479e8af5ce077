// SecurePort: the HTTPS port of a component that is no API server. /healthz, /livez and /readyz for everyone; /metrics, /configz, /statusz, /flagz
// and /version for whom the API server lets read them (access.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "component/flags.h"
#include "component/metrics.h"
#include "component/serving/access.h"
#include "component/serving/component_pages.h"
#include "component/serving/self_signed_certificate.h"
#include "net/server.h"
#include "rt/runtime.h"

namespace pintle::component {

struct SecurePortOptions {
  std::string bind_address = "0.0.0.0";
  uint16_t port = 0;     // 0: any; as a flag: none
  net::ServerTls tls;    // without files: a self-signed certificate under cert_dir
  std::string cert_dir;  // "": a temporary folder, removed at the end
  // Open to everyone; one that ends in * stands for all that begin so.
  std::vector<std::string> always_allow_paths = {"/healthz", "/readyz", "/livez"};
  // How long the API server's answers are kept: about tokens, a yes, a no.
  rt::Duration token_ttl = std::chrono::seconds(10);
  rt::Duration allowed_ttl = std::chrono::seconds(10);
  rt::Duration denied_ttl = std::chrono::seconds(10);
};
// From --bind-address, --secure-port, --cert-dir, --tls-... and --authentication-... and --authorization-.... BadRequest for what does not go
// together. The flags must exist.
Result<Unit> read_secure_port(const FlagSet& flags, SecurePortOptions& out);

struct SecurePortSetup {
  rt::Runtime& runtime;
  metrics::Registry& metrics;
  AccessReviewer* reviewer = nullptr;  // nullptr: only open paths are served, and administrators
  std::string name;                    // of the component: "kube-scheduler"
  SecurePortOptions options;
  std::function<bool()> ready;                // of /readyz; none: always
  std::map<std::string, std::string> config;  // JSON by name: /configz
  FlagValues flags;                           // /flagz
};

class SecurePort final : public net::Handler {
 public:
  explicit SecurePort(SecurePortSetup setup);
  // An error names the address or the file at fault.
  rt::Task<Result<Unit>> start();
  // Await it before the destructor, also when start() failed.
  rt::Task<void> stop();
  rt::Endpoint local() const { return server_ ? server_->local() : rt::Endpoint{}; }
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;

 private:
  struct Page {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
  };
  void use_own_certificate();
  bool is_open(std::string_view path) const;
  rt::Task<Result<Unit>> check(rt::Context ctx, net::Request& request);
  Page page(const std::string& path, std::string_view accept) const;

  SecurePortSetup setup_;
  const rt::WallTime started_;
  DelegatedAccess access_;
  std::unique_ptr<SelfSignedCertificate> certificate_;
  std::string temporary_folder_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace pintle::component

// ApiServer: the API server as one object: store, registry, authentication, authorization, admission, endpoints and the
// HTTPS server on top. Used by its own command, by `pintle server`, and by tests.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apiserver/types/options.h"
#include "base/status.h"
#include "net/http.h"
#include "rt/runtime.h"
#include "storage/store.h"

namespace pintle::apiserver::admission {
class AdmissionPlugin;
}  // namespace pintle::apiserver::admission

namespace pintle::apiserver {

struct ApiServerSetup {
  ApiServerOptions options;
  bool listen = true;                              // false: no HTTPS server; requests come through handler() alone
  bool secured = true;                             // false (tests): everyone may do everything
  bool simulated_disk = false;                     // true (tests): no other process can come, and commits run on the executors
  std::function<void(std::string&)> more_metrics;  // appends what else of this process belongs on the page of /metrics; none: nothing
  std::function<std::unique_ptr<admission::AdmissionPlugin>()> last_plugin;  // (tests) asked after all others
  // How often kubelets are asked for their metrics, from which metrics.k8s.io is served. nullopt: it is not.
  std::optional<rt::Duration> metrics_resolution;
};

class ApiServer {
 public:
  virtual ~ApiServer() = default;
  // Opens the store, reads all state, and serves when it returns. An error names the file, address or option at fault.
  virtual rt::Task<Result<Unit>> start() = 0;
  // Ends /readyz, goes on serving for ApiServerOptions::shutdown_delay, drains requests, stops everything. Await it before destroying
  // the server.
  virtual rt::Task<void> stop() = 0;
  // For the in-process transport. Valid between start() and stop().
  virtual net::Handler& handler() = 0;
  // Where HTTPS is served.
  virtual rt::Endpoint local() const = 0;
};

// The runtime outlives the server.
std::unique_ptr<ApiServer> make_api_server(rt::Runtime& runtime, ApiServerSetup setup);

}  // namespace pintle::apiserver

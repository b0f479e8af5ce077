// ControlPlane: certificates, API server, scheduler, controllers, manifests and DNS of one process. The components reach
// the API server in process, each as its own user.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "cli/cluster_config.h"
#include "cli/layout.h"
#include "client/client.h"
#include "client/metrics.h"
#include "cmd/server/local_storage.h"
#include "component/certificate/pki.h"
#include "component/metrics.h"
#include "controller/manager.h"
#include "controller/manifests/manifests.h"
#include "dns/server.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "scheduler/scheduler.h"

namespace pintle::cmd {

class ControlPlane {
 public:
  ControlPlane(rt::Runtime& runtime, const cli::ClusterConfig& config, cli::Layout layout, std::string node_name, std::string node_ip);
  ~ControlPlane();

  // The API server serves when it returns.
  rt::Task<Result<Unit>> start_api_server();
  // What needs the API server; `start_api_server()` has succeeded.
  rt::Task<Result<Unit>> start_components();
  rt::Task<void> stop();

  // A client in process, as that user. Valid until stop().
  client::Client& client_for(const std::string& user);
  // The serving certificate of this process's node, kept and renewed as the control plane's own; its path without ".crt" and ".key".
  Result<std::string> certify_kubelet(component::CertificateSpec spec);

 private:
  component::PkiNames serving_names() const;
  Result<apiserver::ApiServerOptions> api_server_options() const;
  Result<Unit> ensure_certificates();
  Result<Unit> write_kubeconfig();
  std::optional<rt::WallTime> token_end() const;
  rt::Task<Result<Unit>> ensure_token();
  rt::Task<void> renew_certificates(rt::Context ctx);
  void reserve_names(controller::ControllerOptions& options) const;
  Result<Unit> start_controllers();
  rt::Task<Result<std::unique_ptr<client::Client>>> account_client(std::string account);
  Result<Unit> start_scheduler();
  rt::Task<Result<Unit>> start_dns();
  rt::Task<Result<Unit>> ensure_storage_class();
  rt::Task<Result<Unit>> start_local_storage();

  rt::Runtime& runtime_;
  const cli::ClusterConfig& config_;
  const cli::Layout layout_;
  const std::string node_name_;
  const std::string node_ip_;
  component::Pki pki_;
  std::optional<component::CertificateSpec> kubelet_;  // what certify_kubelet() was asked for
  component::metrics::Registry metrics_;               // of the other components; the API server's page has them
  client::ClientMetrics client_metrics_;
  std::unique_ptr<apiserver::ApiServer> api_server_;
  std::vector<std::pair<std::string, std::unique_ptr<client::Client>>> clients_;
  std::unique_ptr<controller::manifests::Manifests> manifests_;
  std::unique_ptr<controller::ControllerManager> controllers_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<dns::Server> dns_;
  std::unique_ptr<LocalStorage> local_storage_;
  std::unique_ptr<rt::TaskGroup> tasks_;
};

}  // namespace pintle::cmd

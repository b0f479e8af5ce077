// Serving: the kubelet's HTTPS server with its certificate: what is configured; else one that the cluster signs for the node's addresses;
// else one of our own. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <memory>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "component/serving/self_signed_certificate.h"
#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/options.h"
#include "kubelet/server/server.h"
#include "rt/sync.h"

namespace pintle::kubelet {

struct ServingDeps {
  rt::Runtime& runtime;
  server::KubeletHost& host;
  client::Client* client = nullptr;  // nullptr: no API server
  const KubeletOptions& options;
  const std::string& hostname;  // of the node
  rt::TaskGroup& tasks;         // closed before anything is stopped
  // The Node as the API server has it; nullptr: not known.
  std::function<std::shared_ptr<const api::core_v1::Node>()> node;
};

class Serving {
 public:
  explicit Serving(ServingDeps deps);
  // Serves, if it is configured to. With a certificate that the cluster has to sign: in the background, once there is one.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();
  // The node may have other addresses, which a certificate is to name.
  void node_changed();

 private:
  bool asks_cluster() const;
  rt::Task<Result<server::ServingFiles>> files();
  rt::Task<Result<server::ServingFiles>> signed_by_cluster();
  rt::Task<Result<server::ServingFiles>> signed_by_ourselves();
  rt::Task<void> start_when_certified();
  rt::Task<Result<Unit>> start_server(server::ServingFiles files);

  const ServingDeps deps_;
  std::unique_ptr<certificates::CertificateManager> certificate_;
  std::unique_ptr<component::SelfSignedCertificate> self_signed_;
  std::unique_ptr<server::KubeletServer> server_;
};

}  // namespace pintle::kubelet

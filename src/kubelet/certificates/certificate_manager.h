// CertificateManager: a certificate of the kubelet's that renews itself by certificate signing requests: the client's, with
// which it speaks to the API server, or the serving one of port 10250. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "client/client.h"
#include "kubelet/certificates/certificate_store.h"
#include "rt/runtime.h"

namespace pintle::kubelet::certificates {

inline constexpr const char* client_signer = "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr const char* serving_signer = "kubernetes.io/kubelet-serving";

struct CertificateManagerDeps {
  rt::Runtime& runtime;
  client::Client& client;
  // What to ask for; nothing: it cannot be said yet (no addresses), poke() when it can.
  std::function<std::optional<component::CertificateSpec>()> wanted = {};
  // After each new certificate, and at the start if there is one.
  std::function<void()> on_change = {};
};

struct CertificateManagerOptions {
  std::string folder;  // --cert-dir
  std::string name;    // "kubelet-client", "kubelet-server"
  std::string signer;
  // The authority (PEM) whose certificates are worth keeping: one that another has signed is asked for anew. "": any.
  std::string authority_pem = {};
};

// The node's identity, and for serving its addresses. Pure.
component::CertificateSpec client_certificate_spec(const std::string& node_name);
// Nothing without an IP address.
std::optional<component::CertificateSpec> serving_certificate_spec(const std::string& node_name,
                                                                   const std::vector<api::core_v1::NodeAddress>& addresses);
// When to renew: between 70 % and 90 % of the life, `share` in [0, 1) says where. Seconds since 1970. Pure.
int64_t renewal_time(int64_t not_before, int64_t not_after, double share);
// False: the certificate names something else than is wanted. Pure.
bool certifies(const component::CertificateInfo& info, const component::CertificateSpec& wanted);

class CertificateManager {
 public:
  CertificateManager(CertificateManagerDeps deps, CertificateManagerOptions options);
  ~CertificateManager();
  CertificateManager(const CertificateManager&) = delete;
  CertificateManager& operator=(const CertificateManager&) = delete;

  void start();
  rt::Task<void> stop();
  // What is wanted may have changed.
  void poke();
  // Waits until there is a valid certificate.
  rt::Task<Result<Unit>> wait_ready(rt::Context ctx);
  const std::optional<CertificatePair>& current() const;
  // The file of certificate and key.
  std::string path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One request for a certificate of `key`: made, approved by whoever approves, signed, read. Forbidden when it is denied, Timeout
// after `patience`.
rt::Task<Result<CertificatePair>> request_certificate(rt::Context ctx, client::Client* client, std::string signer, component::CertificateSpec spec,
                                                      component::PrivateKey key, rt::Duration patience);

// A first client certificate over `bootstrap` (a client with a bootstrap token), kept in `folder`; at once if a valid one is
// there. The path of its file. The key is on disk before it is asked for: the node's name may belong to it from then on.
rt::Task<Result<std::string>> bootstrap_client_certificate(rt::Context ctx, client::Client* bootstrap, std::string folder, std::string node_name);

}  // namespace pintle::kubelet::certificates

// Pki: a cluster's own certificate authorities, certificates and keys, as files in one folder under kubeadm's names, so that
// every Kubernetes tool finds its way. ensure() makes what is missing, renews what has used up most of its life, and makes
// anew what no longer names this machine; it is called at the start and again whenever due() says. Keys are 0600.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "component/certificate/certificate.h"
#include "rt/runtime.h"

namespace pintle::component {

struct PkiLimits {
  int64_t authority_seconds = int64_t{10} * 365 * 24 * 3600;
  int64_t certificate_seconds = int64_t{365} * 24 * 3600;
};

// What the API server's certificate must name.
struct PkiNames {
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

class Pki {
 public:
  // `runtime` outlives it.
  Pki(rt::Runtime& runtime, std::string folder, PkiLimits limits = {});

  // The cluster's CA, the front proxy's CA, the CA of kubelets' serving certificates, the service account key, and the
  // certificates of the API server (serving, kubelet client), the front proxy's client and the administrator. True: some file
  // was written.
  Result<bool> ensure(const PkiNames& api_server);
  // A kubelet's serving certificate <name>.crt with <name>.key: spec's subject, names and usages. Kept while they stand, the
  // authority is the same and a third of its life is left.
  Result<bool> ensure_kubelet_serving(const std::string& name, CertificateSpec spec);
  // The authority of kubelets' serving certificates, by which the API server knows kubelets, and nobody anything else.
  static constexpr std::string_view kubelet_serving_ca = "kubelet-serving-ca";
  // As which the API server makes itself known to aggregated servers: the file and the common name.
  static constexpr std::string_view front_proxy_client = "front-proxy-client";
  // Seconds since 1970 when the next of what this object has ensured is to be renewed.
  int64_t due() const { return due_; }

  std::string path(std::string_view file) const { return folder_ + "/" + std::string(file); }
  Result<std::string> read(std::string_view file) const { return runtime_.disk().read(path(file)); }

 private:
  struct Authority {
    std::string certificate_pem;
    PrivateKey key;
  };
  Result<Authority> ensure_authority(const std::string& name, const std::string& common_name);
  Result<Unit> ensure_service_account_key();
  Result<bool> ensure_leaf(const Authority& authority, const std::string& name, CertificateSpec spec);
  Result<PrivateKey> ensure_key(const std::string& name, bool& made);
  int64_t now() const;
  void plan(int64_t not_before, int64_t not_after);

  rt::Runtime& runtime_;
  const std::string folder_;
  const PkiLimits limits_;
  int64_t due_ = INT64_MAX;
  bool wrote_ = false;
};

}  // namespace pintle::component

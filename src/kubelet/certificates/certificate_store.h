// CertificateStore: a certificate and its key in one file, NAME-DATE.pem (0600), to which the link NAME-current.pem leads: as
// upstream keeps them, so that either kubelet goes on with what the other left. Blocking; for the blocking pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "component/certificate/certificate.h"
#include "rt/runtime.h"

namespace pintle::kubelet::certificates {

struct CertificatePair {
  std::string certificate_pem;  // leaf first
  std::string key_pem;
  component::CertificateInfo info;
};
// Taken apart and checked: the key belongs to the certificate. BadRequest otherwise.
Result<CertificatePair> make_pair(std::string certificate_pem, std::string key_pem);

class CertificateStore {
 public:
  // `name` is "kubelet-client" or "kubelet-server".
  CertificateStore(rt::Disk& disk, std::string folder, std::string name) : disk_(disk), folder_(std::move(folder)), name_(std::move(name)) {}

  // What kubeconfigs and the server read: certificate and key in one file.
  std::string current_path() const { return folder_ + "/" + name_ + "-current.pem"; }
  // NotFound if there is none.
  Result<CertificatePair> load() const;
  // `now`: seconds since 1970, for the file's name.
  Result<Unit> save(const CertificatePair& pair, int64_t now) const;

 private:
  rt::Disk& disk_;
  const std::string folder_;
  const std::string name_;
};

}  // namespace pintle::kubelet::certificates

// SelfSignedCertificate: the serving certificate of a component that was given none. It lies in two files, is kept over restarts, and is
// made anew in time, also while the component runs: net::Server reads changed files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "component/certificate/certificate.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::component {

inline constexpr int64_t self_signed_validity_seconds = int64_t{365} * 24 * 3600;
inline constexpr int64_t self_signed_renewal_seconds = int64_t{30} * 24 * 3600;  // before its end one of our own is made anew

struct SelfSignedSetup {
  rt::Runtime& runtime;
  std::string cert_file, key_file;  // their folder is made if it is not there
  std::string common_name;
  std::vector<std::string> dns_names, ip_addresses;
};

// What ails the certificate and key in these PEM texts for serving at `now`, and from when on something will, in seconds since 1970.
// A certificate that somebody else signed is not ours to renew before it has expired.
struct ServingFault {
  std::string why;  // "": nothing yet
  int64_t due = 0;  // when `why` is empty
};
ServingFault serving_fault(std::string_view certificate_pem, std::string_view key_pem, int64_t now);

class SelfSignedCertificate {
 public:
  explicit SelfSignedCertificate(SelfSignedSetup setup) : setup_(std::move(setup)) {}
  // Keeps what is there if it can serve; makes key and certificate otherwise, the key first, each replaced as a whole. Blocks on the disk.
  Result<Unit> ensure();
  // Afterwards the files are made anew when they are due; a failure is logged and tried again after an hour. After ensure().
  void start();
  // Await it before the destructor, after start().
  rt::Task<void> stop();

  const std::string& cert_file() const { return setup_.cert_file; }
  const std::string& key_file() const { return setup_.key_file; }

 private:
  Result<Unit> make(int64_t now);
  int64_t now_seconds() const;
  rt::Task<void> renew();

  SelfSignedSetup setup_;
  int64_t due_ = 0;  // seconds since 1970
  rt::TaskGroup tasks_;
};

}  // namespace pintle::component

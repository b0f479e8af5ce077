#include "apiserver/serving_certificate.h"

#include <chrono>

#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"
#include "rt/file.h"

namespace pintle::apiserver {

namespace {
constexpr int64_t validity_seconds = int64_t{365} * 24 * 3600;
}  // namespace

Result<Unit> ensure_serving_certificate(rt::Runtime& runtime, ApiServerOptions& options, const std::string& folder) {
  if (!options.tls_cert_file.empty()) return Unit{};
  options.tls_cert_file = folder + "/apiserver.crt";
  options.tls_private_key_file = folder + "/apiserver.key";
  rt::Disk& disk = runtime.disk();
  if (disk.stat(options.tls_cert_file) && disk.stat(options.tls_private_key_file)) return Unit{};
  TRY(disk.make_directories(folder, 0700));
  TRY_ASSIGN(const auto key, component::PrivateKey::generate_ec_p256());
  component::CertificateSpec spec;
  spec.common_name = "kube-apiserver";
  spec.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  if (!options.advertise_address.empty()) spec.ip_addresses.push_back(options.advertise_address);
  spec.authority = true;
  spec.server = true;
  spec.not_before = std::chrono::duration_cast<std::chrono::seconds>(runtime.clock().wall_now().time_since_epoch()).count() - 3600;
  spec.not_after = spec.not_before + validity_seconds;
  spec.serial = runtime.random().next_u64() >> 1;
  TRY_ASSIGN(const std::string certificate, component::issue_certificate(spec, key.public_key(), key, ""));
  TRY(disk.write(options.tls_private_key_file, key.to_pem(), 0600));
  return disk.write(options.tls_cert_file, certificate, 0644);
}

}  // namespace pintle::apiserver

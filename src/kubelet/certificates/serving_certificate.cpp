#include "kubelet/certificates/serving_certificate.h"

#include "kubelet/certificates/certificate_manager.h"
#include "kubelet/certificates/certificate_store.h"

namespace pintle::kubelet {

namespace {

constexpr int64_t life_seconds = int64_t{365} * 24 * 3600;
// Clocks differ.
constexpr int64_t backdated_seconds = 3600;

}  // namespace

Result<ServingFiles> ensure_self_signed(rt::Runtime& runtime, const std::string& folder, const std::string& host, const std::vector<std::string>& ips) {
  rt::Disk& disk = runtime.disk();
  const ServingFiles files{folder + "/kubelet.crt", folder + "/kubelet.key"};
  const int64_t now = runtime.clock().wall_now().time_since_epoch().count() / 1'000'000'000;
  component::CertificateSpec spec;
  spec.common_name = host + "@" + std::to_string(now);
  spec.dns_names = {host};
  spec.ip_addresses = ips;
  spec.server = true;
  spec.not_before = now - backdated_seconds;
  spec.not_after = now + life_seconds;
  spec.serial = runtime.random().next_u64() >> 1 | 1;
  const auto certificate = disk.read(files.cert_file);
  const auto key = disk.read(files.key_file);
  if (certificate && key) {
    auto kept = make_pair(*certificate, *key);
    component::CertificateSpec same = spec;
    if (kept) same.common_name = kept->info.common_name;
    const bool fresh = kept && renewal_time(kept->info.not_before, kept->info.not_after, 1) > now;
    if (fresh && certifies(kept->info, same)) return files;
  }
  TRY_ASSIGN(const auto made, component::PrivateKey::generate_ec_p256());
  TRY_ASSIGN(const std::string pem, component::issue_certificate(spec, made.public_key(), made, ""));
  TRY(disk.make_directories(folder, 0750));
  TRY(disk.replace(files.key_file, made.to_pem(), 0600));
  TRY(disk.replace(files.cert_file, pem, 0644));
  return files;
}

}  // namespace pintle::kubelet

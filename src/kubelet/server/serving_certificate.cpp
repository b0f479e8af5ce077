#include "kubelet/server/serving_certificate.h"

#include <chrono>

#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"

namespace pintle::kubelet::server {

namespace {

constexpr int64_t validity_seconds = int64_t{365} * 24 * 3600;
constexpr int64_t renewal_seconds = int64_t{30} * 24 * 3600;

bool still_good(rt::Disk& disk, const ServingFiles& files, int64_t now) {
  const auto pem = disk.read(files.cert_file);
  if (!pem || !disk.exists(files.key_file)) return false;
  const auto ders = component::certificates_from_pem(*pem);
  if (!ders || ders->empty()) return false;
  const auto info = component::parse_certificate_der(ders->front());
  return info && info->not_after > now + renewal_seconds;
}

}  // namespace

Result<ServingFiles> ensure_self_signed(rt::Runtime& runtime, const std::string& folder, const std::string& node_name,
                                        const std::vector<std::string>& node_ips) {
  rt::Disk& disk = runtime.disk();
  ServingFiles files{folder + "/kubelet.crt", folder + "/kubelet.key"};
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(runtime.clock().wall_now().time_since_epoch()).count();
  if (still_good(disk, files, now)) return files;
  TRY(disk.make_directories(folder, 0700));
  TRY_ASSIGN(const auto key, component::PrivateKey::generate_ec_p256());
  component::CertificateSpec spec;
  spec.common_name = node_name + "@" + std::to_string(now);
  spec.dns_names = {node_name};
  spec.ip_addresses = node_ips;
  spec.authority = true;
  spec.server = true;
  spec.not_before = now - 3600;
  spec.not_after = now + validity_seconds;
  spec.serial = runtime.random().next_u64() >> 1;
  TRY_ASSIGN(const std::string certificate, component::issue_certificate(spec, key.public_key(), key, ""));
  TRY(disk.replace(files.key_file, key.to_pem(), 0600));
  TRY(disk.replace(files.cert_file, certificate, 0644));
  return files;
}

}  // namespace pintle::kubelet::server

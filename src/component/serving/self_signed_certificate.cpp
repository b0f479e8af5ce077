#include "component/serving/self_signed_certificate.h"

#include <algorithm>
#include <chrono>

#include "component/certificate/keys.h"
#include "component/log.h"

namespace pintle::component {

namespace {

constexpr int64_t clock_skew_seconds = 3600;  // of clients whose clocks are behind
constexpr rt::Duration retry_pause = std::chrono::hours(1);

}  // namespace

ServingFault serving_fault(std::string_view certificate_pem, std::string_view key_pem, int64_t now) {
  const auto ders = certificates_from_pem(certificate_pem);
  if (!ders || ders->empty()) return {"it cannot be read"};
  const auto info = parse_certificate_der(ders->front());
  if (!info) return {"it cannot be read"};
  if (!is_certificate_of_key(certificate_pem, key_pem)) return {"it does not belong to its key"};
  if (now < info->not_before) return {"it is not valid yet"};
  if (now > info->not_after) return {"it has expired"};
  const int64_t due = info->not_after - (is_issued_by(certificate_pem, certificate_pem) ? self_signed_renewal_seconds : -1);
  if (now >= due) return {"it expires soon"};
  return {"", due};
}

int64_t SelfSignedCertificate::now_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(setup_.runtime.clock().wall_now().time_since_epoch()).count();
}

Result<Unit> SelfSignedCertificate::ensure() {
  rt::Disk& disk = setup_.runtime.disk();
  const int64_t now = now_seconds();
  if (disk.exists(setup_.cert_file) && disk.exists(setup_.key_file)) {
    TRY_ASSIGN(const std::string certificate, disk.read(setup_.cert_file, pem_bytes_max));
    TRY_ASSIGN(const std::string key, disk.read(setup_.key_file, pem_bytes_max));
    const ServingFault fault = serving_fault(certificate, key, now);
    due_ = fault.due;
    if (fault.why.empty()) return Unit{};
    log::info(0, "The serving certificate is made anew", {{"file", setup_.cert_file}, {"why", fault.why}});
  }
  return make(now);
}

Result<Unit> SelfSignedCertificate::make(int64_t now) {
  rt::Disk& disk = setup_.runtime.disk();
  TRY(disk.make_directories(rt::parent_path(setup_.cert_file), 0700));
  TRY_ASSIGN(const auto key, PrivateKey::generate_ec_p256());
  CertificateSpec spec;
  spec.common_name = setup_.common_name;
  spec.dns_names = setup_.dns_names;
  spec.ip_addresses = setup_.ip_addresses;
  spec.authority = true;
  spec.server = true;
  spec.not_before = now - clock_skew_seconds;
  spec.not_after = now + self_signed_validity_seconds;
  spec.serial = setup_.runtime.random().next_u64() >> 1;
  TRY_ASSIGN(const std::string certificate, issue_certificate(spec, key.public_key(), key, ""));
  TRY(disk.replace(setup_.key_file, key.to_pem(), 0600));
  TRY(disk.replace(setup_.cert_file, certificate, 0644));
  due_ = spec.not_after - self_signed_renewal_seconds;
  return Unit{};
}

void SelfSignedCertificate::start() { tasks_.spawn(renew()); }

rt::Task<void> SelfSignedCertificate::stop() { co_await tasks_.close(); }

rt::Task<void> SelfSignedCertificate::renew() {
  const rt::Context ctx = tasks_.context();
  while (true) {
    const auto wait = std::chrono::seconds(std::max<int64_t>(due_ - now_seconds(), 1));
    const auto slept = co_await rt::sleep_for(ctx, wait);
    if (!slept) co_return;
    if (now_seconds() < due_) continue;  // the wall clock went back
    Result<Unit> done;
    co_await setup_.runtime.run_blocking([this, &done] { done = ensure(); });
    if (done) continue;
    log::error("The serving certificate cannot be made anew", done.error(), {{"file", setup_.cert_file}});
    const auto paused = co_await rt::sleep_for(ctx, retry_pause);
    if (!paused) co_return;
  }
}

}  // namespace pintle::component

#include "component/certificate/pki.h"

#include <algorithm>
#include <chrono>

namespace pintle::component {

namespace {

constexpr int64_t clock_skew_seconds = 300;  // certificates are valid a little before they are made

// Renewed once two thirds of its life are over.
int64_t renewal_time(int64_t not_before, int64_t not_after) { return not_before + (not_after - not_before) / 3 * 2; }

bool same_set(std::vector<std::string> a, std::vector<std::string> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  a.erase(std::unique(a.begin(), a.end()), a.end());
  b.erase(std::unique(b.begin(), b.end()), b.end());
  return a == b;
}

bool says_the_same(const CertificateInfo& info, const CertificateSpec& spec) {
  return info.common_name == spec.common_name && same_set(info.organizations, spec.organizations) && same_set(info.dns_names, spec.dns_names) &&
         same_set(info.ip_addresses, spec.ip_addresses);
}

Result<CertificateInfo> read_certificate(std::string_view pem) {
  TRY_ASSIGN(const auto chain, certificates_from_pem(pem));
  return parse_certificate_der(chain.front());
}

}  // namespace

Pki::Pki(rt::Runtime& runtime, std::string folder, PkiLimits limits) : runtime_(runtime), folder_(std::move(folder)), limits_(limits) {}

int64_t Pki::now() const { return std::chrono::duration_cast<std::chrono::seconds>(runtime_.clock().wall_now().time_since_epoch()).count(); }

void Pki::plan(int64_t not_before, int64_t not_after) { due_ = std::min(due_, renewal_time(not_before, not_after)); }

Result<PrivateKey> Pki::ensure_key(const std::string& name, bool& made) {
  const std::string file = path(name + ".key");
  made = !runtime_.disk().exists(file);
  if (made) {
    TRY_ASSIGN(PrivateKey key, PrivateKey::generate_ec_p256());
    TRY(runtime_.disk().replace(file, key.to_pem(), 0600));
    wrote_ = true;
    return key;
  }
  TRY_ASSIGN(const std::string pem, runtime_.disk().read(file));
  auto key = PrivateKey::parse_pem(pem);
  if (!key) return error(Reason::BadRequest, file + ": " + key.error().message);
  return key;
}

Result<Pki::Authority> Pki::ensure_authority(const std::string& name, const std::string& common_name) {
  bool key_made = false;
  TRY_ASSIGN(PrivateKey key, ensure_key(name, key_made));
  const std::string file = path(name + ".crt");
  if (!key_made && runtime_.disk().exists(file)) {
    TRY_ASSIGN(std::string pem, runtime_.disk().read(file));
    auto info = read_certificate(pem);
    if (!info) return error(Reason::BadRequest, file + ": " + info.error().message);
    if (now() < renewal_time(info->not_before, info->not_after)) {
      plan(info->not_before, info->not_after);
      return Authority{std::move(pem), std::move(key)};
    }
  }
  // The same key and name again: what the old certificate has signed stays good under the new one.
  CertificateSpec spec;
  spec.common_name = common_name;
  spec.authority = true;
  spec.not_before = now() - clock_skew_seconds;
  spec.not_after = now() + limits_.authority_seconds;
  spec.serial = runtime_.random().next_u64() >> 1;
  TRY_ASSIGN(std::string pem, issue_certificate(spec, key.public_key(), key, ""));
  TRY(runtime_.disk().replace(file, pem, 0644));
  wrote_ = true;
  plan(spec.not_before, spec.not_after);
  return Authority{std::move(pem), std::move(key)};
}

Result<Unit> Pki::ensure_service_account_key() {
  const std::string file = path("sa.key");
  if (runtime_.disk().exists(file)) return Unit{};
  TRY_ASSIGN(const PrivateKey key, PrivateKey::generate_ec_p256());
  wrote_ = true;
  return runtime_.disk().replace(file, key.to_pem(), 0600);
}

Result<bool> Pki::ensure_leaf(const Authority& authority, const std::string& name, CertificateSpec spec) {
  bool key_made = false;
  TRY_ASSIGN(const PrivateKey key, ensure_key(name, key_made));
  const std::string file = path(name + ".crt");
  if (!key_made && runtime_.disk().exists(file)) {
    TRY_ASSIGN(const std::string pem, runtime_.disk().read(file));
    // A file that cannot be read as a certificate is made anew, as an expired one.
    const auto info = read_certificate(pem);
    if (info && says_the_same(*info, spec) && is_issued_by(pem, authority.certificate_pem) &&
        now() < renewal_time(info->not_before, info->not_after)) {
      plan(info->not_before, info->not_after);
      return false;
    }
  }
  spec.not_before = now() - clock_skew_seconds;
  spec.not_after = now() + limits_.certificate_seconds;
  spec.serial = runtime_.random().next_u64() >> 1;
  TRY_ASSIGN(const std::string pem, issue_certificate(spec, key.public_key(), authority.key, authority.certificate_pem));
  TRY(runtime_.disk().replace(file, pem, 0644));
  wrote_ = true;
  plan(spec.not_before, spec.not_after);
  return true;
}

Result<bool> Pki::ensure(const PkiNames& api_server) {
  wrote_ = false;
  due_ = INT64_MAX;
  TRY(runtime_.disk().make_directories(folder_, 0700));
  TRY_ASSIGN(const Authority cluster, ensure_authority("ca", "kubernetes"));
  TRY_ASSIGN(const Authority front_proxy, ensure_authority("front-proxy-ca", "front-proxy-ca"));
  TRY(ensure_authority(std::string(kubelet_serving_ca), std::string(kubelet_serving_ca)));
  TRY(ensure_service_account_key());

  CertificateSpec serving;
  serving.common_name = "kube-apiserver";
  serving.dns_names = api_server.dns_names;
  serving.ip_addresses = api_server.ip_addresses;
  serving.server = true;
  TRY(ensure_leaf(cluster, "apiserver", std::move(serving)));

  CertificateSpec kubelet_client;
  kubelet_client.common_name = "kube-apiserver-kubelet-client";
  kubelet_client.organizations = {"system:masters"};
  kubelet_client.client = true;
  TRY(ensure_leaf(cluster, "apiserver-kubelet-client", std::move(kubelet_client)));

  CertificateSpec front_proxy_client_spec;
  front_proxy_client_spec.common_name = front_proxy_client;
  front_proxy_client_spec.client = true;
  TRY(ensure_leaf(front_proxy, std::string(front_proxy_client), std::move(front_proxy_client_spec)));

  CertificateSpec admin;
  admin.common_name = "kubernetes-admin";
  admin.organizations = {"system:masters"};
  admin.client = true;
  TRY(ensure_leaf(cluster, "admin", std::move(admin)));
  return wrote_;
}

Result<bool> Pki::ensure_kubelet_serving(const std::string& name, CertificateSpec spec) {
  TRY_ASSIGN(const Authority kubelets, ensure_authority(std::string(kubelet_serving_ca), std::string(kubelet_serving_ca)));
  return ensure_leaf(kubelets, name, std::move(spec));
}

}  // namespace pintle::component

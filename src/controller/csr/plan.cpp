#include "controller/csr/plan.h"

#include <algorithm>
#include <set>

#include "apimachinery/identity/node_user.h"
#include "controller/objects/time.h"
#include "rt/far_time.h"
#include "rules/conditions.h"

namespace pintle::controller::csr {

using component::CertificateInfo;

namespace {

bool has_condition(const CertificateSigningRequest& csr, std::string_view type) {
  return rules::find_condition(csr.status.conditions, type) != nullptr;
}

// digital signature and `auth`; key encipherment is for RSA keys.
bool are_usages(const std::vector<std::string>& usages, std::string_view auth) {
  std::set<std::string_view> set(usages.begin(), usages.end());
  set.erase("key encipherment");
  return set == std::set<std::string_view>{"digital signature", auth};
}

bool is_nodes(const CertificateInfo& request) { return request.organizations == std::vector<std::string>{std::string(apimachinery::group_nodes)}; }

std::optional<std::string> name_fault(const CertificateInfo& request) {
  if (!request.common_name.starts_with(apimachinery::user_node_prefix)) return "subject common name does not begin with system:node:";
  if (apimachinery::node_of_user_name(request.common_name).empty()) return "subject common name names no node after system:node:";
  return std::nullopt;
}

std::optional<std::string> client_fault(const CertificateSigningRequest& csr, const CertificateInfo& request) {
  if (!is_nodes(request)) return "subject organization is not system:nodes";
  if (!request.dns_names.empty()) return "DNS subjectAltNames are not allowed";
  if (!request.emails.empty()) return "Email subjectAltNames are not allowed";
  if (!request.ip_addresses.empty()) return "IP subjectAltNames are not allowed";
  if (!request.uris.empty()) return "URI subjectAltNames are not allowed";
  if (auto fault = name_fault(request)) return fault;
  if (!are_usages(csr.spec.usages, "client auth")) return "usages did not match [client auth digital signature key encipherment]";
  return std::nullopt;
}

std::optional<std::string> serving_fault(const CertificateSigningRequest& csr, const CertificateInfo& request) {
  if (!is_nodes(request)) return "subject organization is not system:nodes";
  if (request.dns_names.empty() && request.ip_addresses.empty()) return "DNS or IP subjectAltName is required";
  if (!request.emails.empty()) return "Email subjectAltNames are not allowed";
  if (!request.uris.empty()) return "URI subjectAltNames are not allowed";
  if (!are_usages(csr.spec.usages, "server auth")) return "usages did not match [digital signature key encipherment server auth]";
  if (auto fault = name_fault(request)) return fault;
  return std::nullopt;
}

std::optional<std::string> apiserver_client_fault(const CertificateSigningRequest& csr) {
  bool client = false;
  for (const std::string& usage : csr.spec.usages) {
    if (usage == "client auth") {
      client = true;
    } else if (usage != "digital signature" && usage != "key encipherment") {
      return "invalid usage for client certificate: " + usage;
    }
  }
  if (!client) return "missing required usage for client certificate: client auth";
  return std::nullopt;
}

}  // namespace

bool is_denied(const CertificateSigningRequest& csr) { return has_condition(csr, "Denied"); }
bool is_approved(const CertificateSigningRequest& csr) { return has_condition(csr, "Approved") && !is_denied(csr); }
bool is_failed(const CertificateSigningRequest& csr) { return has_condition(csr, "Failed"); }

std::vector<Approval> approvals_for(const CertificateSigningRequest& csr, const CertificateInfo& request) {
  if (csr.spec.signer_name != kubelet_client_signer || client_fault(csr, request)) return {};
  std::vector<Approval> out;
  if (csr.spec.username == request.common_name)
    out.push_back({"selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."});
  out.push_back({"nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."});
  return out;
}

bool is_own_serving_request(const CertificateSigningRequest& csr, const CertificateInfo& request) {
  return csr.spec.signer_name == kubelet_serving_signer && !serving_fault(csr, request) && csr.spec.username == request.common_name;
}

std::optional<std::string> refusal(const CertificateSigningRequest& csr, const CertificateInfo& request) {
  if (csr.spec.signer_name == kubelet_client_signer) return client_fault(csr, request);
  if (csr.spec.signer_name == kubelet_serving_signer) return serving_fault(csr, request);
  if (csr.spec.signer_name == apiserver_client_signer) return apiserver_client_fault(csr);
  return std::nullopt;  // legacy-unknown knows no limits
}

int64_t lifetime_seconds(const CertificateSigningRequest& csr, rt::Duration most) {
  constexpr int64_t seconds_min = 600;
  const int64_t longest = std::chrono::duration_cast<std::chrono::seconds>(most).count();
  if (!csr.spec.expiration_seconds) return longest;
  return std::clamp<int64_t>(*csr.spec.expiration_seconds, std::min(seconds_min, longest), longest);
}

Result<component::CertificateSpec> plan_certificate(const CertificateSigningRequest& csr, const CertificateInfo& request, const Validity& validity) {
  constexpr int64_t backdate_seconds = 300, short_seconds = 8 * 3600;
  if (validity.now >= validity.issuer_not_after) return internal("the signer of " + csr.spec.signer_name + " has expired");
  component::CertificateSpec spec;
  spec.common_name = request.common_name;
  spec.organizations = request.organizations;
  spec.attributes = request.attributes;
  spec.dns_names = request.dns_names;
  spec.ip_addresses = request.ip_addresses;
  spec.emails = request.emails;
  spec.uris = request.uris;
  spec.usages = csr.spec.usages;
  const int64_t seconds = lifetime_seconds(csr, validity.longest);
  spec.not_before = validity.now - backdate_seconds;
  spec.not_after = std::min(validity.now + seconds - (seconds < short_seconds ? 0 : backdate_seconds), validity.issuer_not_after);
  return spec;
}

std::optional<rt::WallTime> deletion_time(const CertificateSigningRequest& csr, std::optional<int64_t> certificate_expires) {
  constexpr rt::Duration handled = std::chrono::hours(1), pending = std::chrono::hours(24);
  std::optional<rt::WallTime> earliest;
  const auto at = [&](rt::WallTime when) {
    if (!earliest || when < *earliest) earliest = when;
  };
  if (csr.status.conditions.empty()) at(apimachinery::to_wall_time(csr.metadata.creation_timestamp) + pending);
  for (const auto& condition : csr.status.conditions) {
    const rt::WallTime since = apimachinery::to_wall_time(condition.last_update_time);
    if (condition.type == "Denied" || condition.type == "Failed") at(since + handled);
    if (condition.type == "Approved") at(since + (csr.status.certificate.empty() ? pending : handled));
  }
  if (certificate_expires) at(rt::wall_time_of(*certificate_expires));
  return earliest;
}

}  // namespace pintle::controller::csr

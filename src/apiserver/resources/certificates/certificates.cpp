#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <set>

#include "api/codec.h"
#include "api/gen/certificates_v1.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/table/duration.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/resources.h"
#include "base/strings.h"
#include "component/certificate/certificate.h"
#include "rt/far_time.h"

namespace pintle::apiserver::resources {
namespace {

namespace certificates = api::certificates_v1;
using apimachinery::BadValue;

constexpr std::array<std::string_view, 23> usages{
    "any",           "cert sign",         "client auth",      "code signing",  "content commitment", "crl sign",     "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system",   "ipsec tunnel", "ipsec user",
    "key agreement", "key encipherment",  "microsoft sgc",    "netscape sgc",  "ocsp signing",       "s/mime",       "server auth",
    "signing",       "timestamping"};
constexpr int32_t expiration_seconds_min = 600;
constexpr std::size_t signer_name_bytes_max = 571;

std::size_t count_conditions(const certificates::CertificateSigningRequest& request, std::string_view type) {
  const auto& conditions = request.status.conditions;
  return static_cast<std::size_t>(std::count_if(conditions.begin(), conditions.end(), [&](const auto& c) { return c.type == type; }));
}

bool has_condition(const certificates::CertificateSigningRequest& request, std::string_view type) { return count_conditions(request, type) > 0; }

void validate_signer_name(const std::string& name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
    return;
  }
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || name.find('/', slash + 1) != std::string::npos) {
    errors.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  const std::string domain = name.substr(0, slash);
  if (name.size() > signer_name_bytes_max) errors.too_long(path, signer_name_bytes_max);
  errors.invalid_all(path, domain, apimachinery::check_dns_subdomain(domain));
  if (domain.find('.') == std::string::npos) errors.invalid(path, domain, "should be a domain with at least two segments separated by dots");
  errors.invalid_all(path, name.substr(slash + 1), apimachinery::check_dns_subdomain(name.substr(slash + 1)));
}

void validate_conditions(const certificates::CertificateSigningRequest& request, FieldErrors& errors) {
  const FieldPath path("status", "conditions");
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < request.status.conditions.size(); ++i) {
    const auto& condition = request.status.conditions[i];
    const FieldPath at = path.index(i);
    constexpr std::array<std::string_view, 3> statuses{"False", "True", "Unknown"};
    if (condition.type.empty()) {
      errors.required(at.child("type"));
    } else if (!seen.insert(condition.type).second) {
      errors.duplicate(at.child("type"), condition.type);
    }
    const bool decided = condition.type == "Approved" || condition.type == "Denied" || condition.type == "Failed";
    if (condition.status.empty()) {
      errors.required(at.child("status"));
    } else if (decided ? condition.status != "True" : !contains(statuses, condition.status)) {
      errors.not_supported(at.child("status"), condition.status,
                           decided ? std::span<const std::string_view>(statuses).subspan(1, 1) : std::span<const std::string_view>(statuses));
    }
  }
  if (has_condition(request, "Approved") && has_condition(request, "Denied"))
    errors.invalid(path, "Denied", "Approved and Denied conditions are mutually exclusive");
}

// Of status and approval alike; only the latter may decide.
void validate_status_change(const certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old,
                            bool may_decide, FieldErrors& errors) {
  validate_conditions(request, errors);
  const FieldPath conditions("status", "conditions");
  const FieldPath certificate("status", "certificate");
  const bool issued = request.status.certificate != old.status.certificate;
  // Where the old one could not be read either, that it stays is all there is to say.
  if (issued && !request.status.certificate.empty() && (old.status.certificate.empty() || component::check_certificates_pem(old.status.certificate)))
    if (const auto good = component::check_certificates_pem(request.status.certificate); !good)
      errors.invalid(certificate, "<certificate data>", good.error().message);
  for (const std::string_view type : {"Approved", "Denied", "Failed"})
    if (count_conditions(request, type) < count_conditions(old, type))
      errors.forbidden(conditions, "updates may not remove a condition of type \"" + std::string(type) + "\"");
  for (const std::string_view type : {"Approved", "Denied"})
    if (!may_decide && count_conditions(request, type) > count_conditions(old, type))
      errors.forbidden(conditions, "only approval may add a condition of type \"" + std::string(type) + "\"");
  if (issued && !old.status.certificate.empty()) errors.forbidden(certificate, "an issued certificate stays as it is");
}

// Conditions carry the time of their last update, and that of their last transition.
void stamp_conditions(const RequestScope& scope, certificates::CertificateSigningRequest& request,
                      const certificates::CertificateSigningRequest& old) {
  const api::Time now = apimachinery::to_api_time(scope.now);
  std::map<std::pair<std::string_view, std::string_view>, api::Time> before;  // by type and status, of equal ones the first
  for (const auto& condition : old.status.conditions)
    if (!condition.last_transition_time.zero()) before.try_emplace({condition.type, condition.status}, condition.last_transition_time);
  for (auto& condition : request.status.conditions) {
    if (condition.last_update_time.zero()) condition.last_update_time = now;
    if (!condition.last_transition_time.zero()) continue;
    const auto same = before.find({condition.type, condition.status});
    condition.last_transition_time = same == before.end() ? now : same->second;
  }
}

// Gives conditions of the type back what they said, unless some came or went: that is for validation to refuse.
void keep_conditions(certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old, std::string_view type) {
  if (count_conditions(request, type) != count_conditions(old, type)) return;
  auto before = old.status.conditions.begin();
  for (auto& condition : request.status.conditions) {
    if (condition.type != type) continue;
    while (before->type != type) ++before;
    condition = *before++;
  }
}

class CertificateSigningRequestStrategy : public registry::TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_create(const RequestScope& scope, certificates::CertificateSigningRequest& request) const override {
    // Who asks is what the server saw, never what the request says.
    request.spec.username = scope.user.name;
    request.spec.uid = scope.user.uid;
    request.spec.groups = scope.user.groups;
    request.spec.extra = scope.user.extra;
    request.status = certificates::CertificateSigningRequestStatus();
  }
  void prepare_for_update(const RequestScope&, certificates::CertificateSigningRequest& request,
                          const certificates::CertificateSigningRequest& old) const override {
    request.spec = old.spec;
    request.status = old.status;
  }
  void validate(const RequestScope&, const certificates::CertificateSigningRequest& request, FieldErrors& errors) const override {
    const FieldPath at("spec");
    if (request.spec.usages.empty()) errors.required(at.child("usages"));
    for (std::size_t i = 0; i < request.spec.usages.size(); ++i)
      if (!contains(usages, request.spec.usages[i])) errors.not_supported(at.child("usages").index(i), request.spec.usages[i], usages);
    if (const auto parsed = component::parse_certificate_request_pem(request.spec.request); !parsed)
      errors.invalid(at.child("request"), BadValue::raw("<pem>"), parsed.error().message);
    validate_signer_name(request.spec.signer_name, at.child("signerName"), errors);
    if (request.spec.expiration_seconds && *request.spec.expiration_seconds < expiration_seconds_min)
      errors.invalid(at.child("expirationSeconds"), *request.spec.expiration_seconds,
                     "may not specify a duration less than 600 seconds (10 minutes)");
    validate_conditions(request, errors);
  }
  void table_cells(const certificates::CertificateSigningRequest& request, registry::TableCells& cells) const override {
    std::string state;
    const auto add = [&](const char* word) { state += (state.empty() ? "" : ",") + std::string(word); };
    if (has_condition(request, "Denied")) {
      add("Denied");
    } else if (has_condition(request, "Approved")) {
      add("Approved");
    } else {
      add("Pending");
    }
    if (has_condition(request, "Failed")) add("Failed");
    if (!request.status.certificate.empty()) add("Issued");
    cells.emplace_back(request.metadata.name);
    cells.push_back(registry::TableCell::age(request.metadata.creation_timestamp));
    cells.emplace_back(request.spec.signer_name);
    cells.emplace_back(request.spec.username);
    cells.emplace_back(request.spec.expiration_seconds ? apimachinery::human_duration(rt::seconds_of(*request.spec.expiration_seconds)) : "<none>");
    cells.emplace_back(state);
  }
};

// Status may bring a certificate and conditions other than the decision, which belongs to approval.
class StatusStrategy : public registry::TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_update(const RequestScope& scope, certificates::CertificateSigningRequest& request,
                          const certificates::CertificateSigningRequest& old) const override {
    request.spec = old.spec;
    keep_conditions(request, old, "Approved");
    keep_conditions(request, old, "Denied");
    stamp_conditions(scope, request, old);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const certificates::CertificateSigningRequest& request,
                       const certificates::CertificateSigningRequest& old, FieldErrors& errors) const override {
    validate_status_change(request, old, false, errors);
  }
};

class ApprovalStrategy : public registry::TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_update(const RequestScope& scope, certificates::CertificateSigningRequest& request,
                          const certificates::CertificateSigningRequest& old) const override {
    request.spec = old.spec;
    request.status.certificate = old.status.certificate;
    stamp_conditions(scope, request, old);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const certificates::CertificateSigningRequest& request,
                       const certificates::CertificateSigningRequest& old, FieldErrors& errors) const override {
    validate_status_change(request, old, true, errors);
  }
};

}  // namespace

void add_certificates(Definitions& out) {
  registry::ResourceDefinition requests;
  requests.resource = {"certificates.k8s.io", "certificatesigningrequests"};
  requests.strategy = std::make_shared<CertificateSigningRequestStrategy>();
  requests.has_status = true;
  requests.selectable_fields = {{"spec.signerName"}};
  requests.reset_fields = {"spec", "status"};
  requests.parts = {{.name = "status", .strategy = std::make_shared<StatusStrategy>(), .reset_fields = {"spec", "status.conditions"}},
                    {.name = "approval", .strategy = std::make_shared<ApprovalStrategy>(), .reset_fields = {"spec", "status.certificate"}}};
  out.push_back(std::move(requests));
}

}  // namespace pintle::apiserver::resources

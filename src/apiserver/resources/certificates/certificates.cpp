#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "api/codec.h"
#include "api/gen/certificates_v1.h"
#include "apimachinery/table/duration.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/resources.h"
#include "base/strings.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::resources {
namespace {

namespace certificates = api::certificates_v1;
using apimachinery::BadValue;

constexpr std::array<std::string_view, 23> usages{"any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only",
                                                  "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
                                                  "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping"};
constexpr int32_t expiration_seconds_min = 600;
constexpr std::size_t signer_name_bytes_max = 571;

bool has_condition(const certificates::CertificateSigningRequest& request, std::string_view type) {
  return std::any_of(request.status.conditions.begin(), request.status.conditions.end(), [&](const auto& c) { return c.type == type; });
}

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
      errors.not_supported(at.child("status"), condition.status, decided ? std::span<const std::string_view>(statuses).subspan(1, 1) : std::span<const std::string_view>(statuses));
    }
  }
  if (has_condition(request, "Approved") && has_condition(request, "Denied")) errors.invalid(path, "Denied", "Approved and Denied conditions are mutually exclusive");
}

// Conditions carry the time of their last update, and that of their last transition.
void stamp_conditions(const RequestScope& scope, certificates::CertificateSigningRequest& request) {
  const api::Time now{std::chrono::duration_cast<std::chrono::seconds>(scope.now.time_since_epoch()).count(), 0};
  for (auto& condition : request.status.conditions) {
    if (condition.last_update_time.zero()) condition.last_update_time = now;
    if (condition.last_transition_time.zero()) condition.last_transition_time = now;
  }
}

class CertificateSigningRequestStrategy : public TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_create(const RequestScope& scope, certificates::CertificateSigningRequest& request) const override {
    // Who asks is what the server saw, never what the request says.
    request.spec.username = scope.user.name;
    request.spec.uid = scope.user.uid;
    request.spec.groups = scope.user.groups;
    request.spec.extra = scope.user.extra;
    request.status = certificates::CertificateSigningRequestStatus();
  }
  void prepare_for_update(const RequestScope&, certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old) const override {
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
      errors.invalid(at.child("expirationSeconds"), *request.spec.expiration_seconds, "may not specify a duration less than 600 seconds (10 minutes)");
    validate_conditions(request, errors);
  }
  void table_cells(const certificates::CertificateSigningRequest& request, TableCells& cells) const override {
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
    cells.push_back(TableCell::age(request.metadata.creation_timestamp));
    cells.emplace_back(request.spec.signer_name);
    cells.emplace_back(request.spec.username);
    cells.emplace_back(request.spec.expiration_seconds ? apimachinery::human_duration(std::chrono::seconds(*request.spec.expiration_seconds)) : "<none>");
    cells.emplace_back(state);
  }
};

// Status may bring a certificate and conditions other than the decision, which belongs to approval.
class StatusStrategy : public TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_update(const RequestScope& scope, certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old) const override {
    request.spec = old.spec;
    std::vector<certificates::CertificateSigningRequestCondition> kept;
    for (const auto& condition : old.status.conditions)
      if (condition.type == "Approved" || condition.type == "Denied") kept.push_back(condition);
    for (auto& condition : request.status.conditions)
      if (condition.type != "Approved" && condition.type != "Denied") kept.push_back(std::move(condition));
    request.status.conditions = std::move(kept);
    stamp_conditions(scope, request);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest&, FieldErrors& errors) const override {
    validate_conditions(request, errors);
  }
};

class ApprovalStrategy : public TypedStrategy<certificates::CertificateSigningRequest> {
 public:
  void prepare_for_update(const RequestScope& scope, certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old) const override {
    request.spec = old.spec;
    request.status.certificate = old.status.certificate;
    stamp_conditions(scope, request);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const certificates::CertificateSigningRequest& request, const certificates::CertificateSigningRequest& old, FieldErrors& errors) const override {
    validate_conditions(request, errors);
    for (const std::string_view decision : {"Approved", "Denied"})
      if (has_condition(old, decision) && !has_condition(request, decision))
        errors.forbidden(FieldPath("status", "conditions"), "updates may not remove a condition of type \"" + std::string(decision) + "\"");
  }
};

}  // namespace

void add_certificates(Definitions& out) {
  ResourceDefinition requests;
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

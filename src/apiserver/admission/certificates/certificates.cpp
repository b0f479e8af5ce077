#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "api/gen/certificates_v1.h"
#include "apiserver/authorization/authorizer.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::admission {
namespace {

using api::certificates_v1::CertificateSigningRequest;
using api::certificates_v1::CertificateSigningRequestStatus;

bool is_requests(const AdmissionAttributes& a) { return a.is("certificates.k8s.io", "certificatesigningrequests"); }

// The right is on the signer's name, or on every name of its domain.
rt::Task<bool> may(rt::Context ctx, authorization::Authorizer* authorizer, UserInfo user, std::string verb, std::string signer) {
  if (!authorizer) co_return false;
  std::string names[2];
  names[0] = signer;
  names[1] = signer.substr(0, signer.find('/')) + "/*";
  for (const std::string& name : names) {
    authorization::AuthorizationAttributes right;
    right.user = user;
    right.verb = verb;
    right.group = "certificates.k8s.io";
    right.version = "*";
    right.resource = "signers";
    right.name = name;
    const authorization::AuthorizationResult result = co_await authorizer->authorize(ctx, right);
    if (result.decision == authorization::Decision::Allow) co_return true;
  }
  co_return false;
}

// Asks for a right on the signer of the stored request, where `concerns` says that the update needs it.
class SignerRight : public AdmissionPlugin {
 public:
  SignerRight(const AdmissionDeps& deps, std::string_view name, std::string_view subresource, std::string_view verb)
      : authorizer_(deps.authorizer), name_(name), subresource_(subresource), verb_(verb) {}
  std::string_view name() const override { return name_; }
  bool handles(Operation operation) const override { return operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!is_requests(a) || a.subresource != subresource_ || !concerns(a)) return Unit{};
    return std::nullopt;
  }
  rt::Task<Result<Unit>> validate(rt::Context ctx, const AdmissionAttributes& a) override {
    if (auto answer = validate_now(a)) co_return std::move(*answer);
    const auto* old = a.old_as<CertificateSigningRequest>();
    if (!old || !a.user) co_return refuse(a, "unexpected type");
    const bool allowed = co_await may(ctx, authorizer_, *a.user, std::string(verb_), old->spec.signer_name);
    if (allowed) co_return Unit{};
    co_return refuse(a, fmt::format("user not permitted to {} requests with signerName \"{}\"", verb_, old->spec.signer_name));
  }

 protected:
  virtual bool concerns(const AdmissionAttributes&) const { return true; }

 private:
  authorization::Authorizer* authorizer_;
  std::string_view name_, subresource_, verb_;
};

class CertificateSigning : public SignerRight {
 public:
  explicit CertificateSigning(const AdmissionDeps& deps) : SignerRight(deps, "CertificateSigning", "status", "sign") {}

 protected:
  bool concerns(const AdmissionAttributes& a) const override {
    const auto* now = a.object_as<CertificateSigningRequest>();
    const auto* old = a.old_as<CertificateSigningRequest>();
    return !now || !old || !api::equal(api::type_of<CertificateSigningRequestStatus>(), &now->status, &old->status);
  }
};

class CertificateSubjectRestriction : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "CertificateSubjectRestriction"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!is_requests(a) || !a.subresource.empty()) return Unit{};
    const auto* request = a.object_as<CertificateSigningRequest>();
    constexpr std::string_view client_signer = "kubernetes.io/kube-apiserver-client";
    if (!request || request->spec.signer_name != client_signer) return Unit{};
    const auto parsed = component::parse_certificate_request_pem(request->spec.request);
    if (!parsed) return Result<Unit>(refuse(a, "failed to parse CSR: " + parsed.error().message));
    if (std::find(parsed->organizations.begin(), parsed->organizations.end(), group_masters) == parsed->organizations.end()) return Unit{};
    return Result<Unit>(refuse(a, fmt::format("use of {} signer with system:masters group is not allowed", client_signer)));
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_certificate_approval(const AdmissionDeps& deps) {
  return std::make_unique<SignerRight>(deps, "CertificateApproval", "approval", "approve");
}
std::unique_ptr<AdmissionPlugin> make_certificate_signing(const AdmissionDeps& deps) { return std::make_unique<CertificateSigning>(deps); }
std::unique_ptr<AdmissionPlugin> make_certificate_subject_restriction(const AdmissionDeps&) {
  return std::make_unique<CertificateSubjectRestriction>();
}

}  // namespace pintle::apiserver::admission

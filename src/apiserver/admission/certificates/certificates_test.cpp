#include "apiserver/admission/factories.h"

#include "api/gen/certificates_v1.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authorization/authorizer.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission {
namespace {

using api::certificates_v1::CertificateSigningRequest;

// Grants "verb signer".
class SignerAuthorizer : public authorization::Authorizer {
 public:
  std::optional<authorization::AuthorizationResult> authorize_now(const authorization::AuthorizationAttributes& a) override {
    const bool allowed = a.resource == "signers" && a.group == "certificates.k8s.io" && a.verb + " " + a.name == right;
    return authorization::AuthorizationResult{allowed ? authorization::Decision::Allow : authorization::Decision::NoOpinion, {}, {}};
  }
  authorization::UserRules rules_for(const UserInfo&, const std::string&) override { return {}; }
  std::string right;
};

class CertificatesTest : public ::testing::Test {
 protected:
  int run(AdmissionPlugin& plugin, const std::string& subresource, const CertificateSigningRequest& now, const CertificateSigningRequest& before) {
    AdmissionAttributes a;
    a.operation = subresource.empty() ? Operation::Create : Operation::Update;
    a.resource = {"certificates.k8s.io", "certificatesigningrequests"};
    a.subresource = subresource;
    a.name = "r";
    a.user = &user_;
    api::Object object = api::Object::of<CertificateSigningRequest>(now);
    api::Object old = api::Object::of<CertificateSigningRequest>(before);
    a.object = &object;
    if (!subresource.empty()) a.old_object = &old;
    const auto result = testing::now(plugin.validate(rt::Context::background(), a));
    return result ? 200 : result.error().http();
  }
  testing::FakeReader reader_;
  SignerAuthorizer authorizer_;
  UserInfo user_;
};

TEST_F(CertificatesTest, ApprovalNeedsARightOnTheSigner) {
  const auto plugin = make_certificate_approval({reader_, &authorizer_});
  CertificateSigningRequest request;
  request.spec.signer_name = "example.com/a";
  const std::pair<const char*, int> cases[] = {
      {"", 403}, {"approve example.com/a", 200}, {"approve example.com/*", 200}, {"sign example.com/a", 403}, {"approve example.com/b", 403}};
  for (const auto& [right, want] : cases) {
    authorizer_.right = right;
    EXPECT_EQ(run(*plugin, "approval", request, request), want) << right;
    EXPECT_EQ(run(*plugin, "status", request, request), 200);
  }
}

TEST_F(CertificatesTest, SigningNeedsARightWhereSomethingChanges) {
  const auto plugin = make_certificate_signing({reader_, &authorizer_});
  CertificateSigningRequest request;
  request.spec.signer_name = "example.com/a";
  CertificateSigningRequest signed_request = request;
  signed_request.status.certificate = "pem";
  EXPECT_EQ(run(*plugin, "status", request, request), 200);
  EXPECT_EQ(run(*plugin, "status", signed_request, request), 403);
  authorizer_.right = "sign example.com/a";
  EXPECT_EQ(run(*plugin, "status", signed_request, request), 200);
}

TEST_F(CertificatesTest, BadRequestsForClientCertificates) {
  const auto plugin = make_certificate_subject_restriction({reader_, &authorizer_});
  CertificateSigningRequest request;
  request.spec.request = "garbage";
  request.spec.signer_name = "example.com/a";
  EXPECT_EQ(run(*plugin, "", request, request), 200);
  request.spec.signer_name = "kubernetes.io/kube-apiserver-client";
  EXPECT_EQ(run(*plugin, "", request, request), 403);
}

}  // namespace
}  // namespace pintle::apiserver::admission

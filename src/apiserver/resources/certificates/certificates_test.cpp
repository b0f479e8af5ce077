// What the subresources of a CertificateSigningRequest may change, and the causes that upstream names for the rest.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/gen/certificates_v1.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/request_scope.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::resources {
namespace {

using api::certificates_v1::CertificateSigningRequest;
using Conditions = std::vector<std::string>;

const registry::Strategy& part_strategy(std::string_view name) {
  static const Definitions all = builtin_resources({});
  for (const registry::ResourceDefinition& definition : all)
    for (const registry::PartSubresource& part : definition.parts)
      if (definition.resource.resource == "certificatesigningrequests" && part.name == name) return *part.strategy;
  CHECK(false, "no such subresource");
}

CertificateSigningRequest request_with(const Conditions& conditions, const std::string& certificate) {
  CertificateSigningRequest request;
  for (const std::string& type : conditions) {
    auto& condition = request.status.conditions.emplace_back();
    condition.type = type;
    condition.status = "True";
  }
  request.status.certificate = certificate;
  return request;
}

// `wanted`: each cause as "type field".
void check_update(std::string_view part, const CertificateSigningRequest& old_request, const CertificateSigningRequest& request,
                  std::vector<std::string> wanted) {
  const registry::Strategy& strategy = part_strategy(part);
  const RequestScope scope;
  const auto old = api::Object::of<CertificateSigningRequest>(old_request);
  auto object = api::Object::of<CertificateSigningRequest>(request);
  strategy.prepare_for_update(scope, object, old);
  FieldErrors errors;
  strategy.validate_update(scope, object, old, errors);
  std::vector<std::string> got;
  for (const auto& cause : errors.causes()) got.push_back(cause.type.substr(std::string("FieldValue").size()) + " " + cause.field);
  EXPECT_EQ(got, wanted);
}

std::string certificate() {
  static const std::string pem = [] {
    const auto key = component::PrivateKey::generate_ec_p256();
    component::CertificateSpec spec;
    spec.common_name = "a";
    spec.not_after = 1000;
    return *component::issue_certificate(spec, key->public_key(), *key, "");
  }();
  return pem;
}

TEST(CertificateSigningRequests, StatusBringsTheCertificateOnce) {
  const auto check = [](const std::string& before, const std::string& after, std::vector<std::string> wanted) {
    check_update("status", request_with({"Approved"}, before), request_with({"Approved"}, after), std::move(wanted));
  };
  check("", certificate(), {});
  check(certificate(), certificate(), {});
  check("rubbish", "rubbish", {});  // stored by others
  check("", "rubbish", {"Invalid status.certificate"});
  check(certificate(), "", {"Forbidden status.certificate"});
  check(certificate(), certificate() + certificate(), {"Forbidden status.certificate"});
  check(certificate(), "rubbish", {"Invalid status.certificate", "Forbidden status.certificate"});
}

TEST(CertificateSigningRequests, DecisionsStay) {
  const auto check = [](std::string_view part, const Conditions& before, const Conditions& after, std::vector<std::string> wanted) {
    check_update(part, request_with(before, ""), request_with(after, ""), std::move(wanted));
  };
  const std::string forbidden = "Forbidden status.conditions";
  check("status", {"Approved"}, {"Approved", "Failed", "X"}, {});
  check("status", {"Approved", "X"}, {"Approved"}, {});
  check("status", {"Approved"}, {}, {forbidden});
  check("status", {"Denied"}, {}, {forbidden});
  check("status", {"Failed"}, {}, {forbidden});
  check("status", {}, {"Approved"}, {forbidden});
  check("status", {"Approved"}, {"Denied"}, {forbidden, forbidden});
  check("approval", {}, {"Approved"}, {});
  check("approval", {}, {"Denied", "X"}, {});
  check("approval", {}, {"Approved", "Denied"}, {"Invalid status.conditions"});
  check("approval", {"Approved"}, {"Denied"}, {forbidden});
  check("approval", {"Approved", "Failed"}, {"Approved"}, {forbidden});
}

TEST(CertificateSigningRequests, EachPartKeepsWhatIsNotItsOwn) {
  CertificateSigningRequest old = request_with({"Approved"}, "");
  old.spec.signer_name = "a.b/c";
  old.status.conditions[0].message = "first";
  old.status.conditions[0].last_transition_time = {7, 0};
  CertificateSigningRequest now = request_with({"X", "Approved"}, certificate());
  now.status.conditions[1].message = "second";
  const auto before = api::Object::of<CertificateSigningRequest>(old);
  auto object = api::Object::of<CertificateSigningRequest>(now);
  part_strategy("status").prepare_for_update({}, object, before);
  const auto& status = object.as<CertificateSigningRequest>();
  EXPECT_EQ(status.spec.signer_name, "a.b/c");
  EXPECT_EQ(status.status.certificate, certificate());
  EXPECT_EQ(status.status.conditions[1].message, "first");

  object = api::Object::of<CertificateSigningRequest>(now);
  part_strategy("approval").prepare_for_update({}, object, before);
  const auto& approval = object.as<CertificateSigningRequest>();
  EXPECT_EQ(approval.spec.signer_name, "a.b/c");
  EXPECT_EQ(approval.status.certificate, "");
  EXPECT_EQ(approval.status.conditions[1].message, "second");
  EXPECT_EQ(approval.status.conditions[1].last_transition_time.seconds, 7);  // its status is as it was
}

}  // namespace
}  // namespace pintle::apiserver::resources

#include "controller/csr/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::csr {
namespace {

using namespace testing;
using component::CertificateInfo;

// "cn=system:node:n1 o=system:nodes dns=n1 ip=10.0.0.1"
CertificateInfo request_of(const std::string& text) {
  CertificateInfo out;
  for (const std::string& word : split(text, ' ')) {
    const std::string key = word.substr(0, word.find('=')), value = word.substr(word.find('=') + 1);
    if (key == "cn") out.common_name = value;
    if (key == "o") out.organizations.push_back(value);
    if (key == "dns") out.dns_names.push_back(value);
    if (key == "ip") out.ip_addresses.push_back(value);
    if (key == "email") out.emails.push_back(value);
    if (key == "uri") out.uris.push_back(value);
  }
  return out;
}

CertificateSigningRequest csr_of(std::string_view signer, const std::string& usages, const std::string& user = "system:node:n1") {
  CertificateSigningRequest out;
  out.spec.signer_name = signer;
  out.spec.username = user;
  out.spec.usages = split(usages, ',');
  return out;
}

const std::string node_request = "cn=system:node:n1 o=system:nodes";
const std::string client_usages = "digital signature, client auth", server_usages = "digital signature, server auth";

// The word of the refusal that tells it from the others; "signs".
void check_refusal(std::string_view signer, const std::string& usages, const std::string& request, const std::string& want) {
  const auto why = refusal(csr_of(signer, usages), request_of(request));
  const std::string text = why.value_or("signs");
  EXPECT_TRUE(text.find(want) != text.npos) << signer << " [" << usages << "] " << request << ": " << text << ", not " << want;
}

TEST(CsrPlan, KubeletClientSigner) {
  const auto check = [](const std::string& usages, const std::string& request, const std::string& want) {
    check_refusal(kubelet_client_signer, usages, request, want);
  };
  check(client_usages, node_request, "signs");
  check("key encipherment, " + client_usages, node_request, "signs");
  check("client auth", node_request, "usages");
  check("digital signature", node_request, "usages");
  check(client_usages + ", server auth", node_request, "usages");
  check(server_usages, node_request, "usages");
  check(client_usages, "cn=system:node:n1", "organization");
  check(client_usages, "cn=system:node:n1 o=system:masters", "organization");
  check(client_usages, node_request + " o=system:masters", "organization");
  check(client_usages, "cn=n1 o=system:nodes", "common name");
  check(client_usages, "cn=system:node: o=system:nodes", "common name");
  check(client_usages, node_request + " dns=n1", "DNS");
  check(client_usages, node_request + " ip=10.0.0.1", "IP");
  check(client_usages, node_request + " email=a@b", "Email");
  check(client_usages, node_request + " uri=spiffe://a", "URI");
}

TEST(CsrPlan, KubeletServingSigner) {
  const auto check = [](const std::string& usages, const std::string& request, const std::string& want) {
    check_refusal(kubelet_serving_signer, usages, request, want);
  };
  check(server_usages, node_request + " dns=n1", "signs");
  check(server_usages, node_request + " ip=10.0.0.1", "signs");
  check("key encipherment, " + server_usages, node_request + " dns=n1 ip=10.0.0.1", "signs");
  check(server_usages, node_request, "DNS or IP");
  check(client_usages, node_request + " dns=n1", "usages");
  check(server_usages + ", client auth", node_request + " dns=n1", "usages");
  check(server_usages, "cn=system:node:n1 o=nodes dns=n1", "organization");
  check(server_usages, "cn=n1 o=system:nodes dns=n1", "common name");
  check(server_usages, node_request + " dns=n1 email=a@b", "Email");
  check(server_usages, node_request + " dns=n1 uri=spiffe://a", "URI");
}

TEST(CsrPlan, OtherSigners) {
  check_refusal(apiserver_client_signer, client_usages, "cn=jane o=system:masters dns=any", "signs");  // who may ask is admission's
  check_refusal(apiserver_client_signer, "client auth, key encipherment", "cn=jane", "signs");
  check_refusal(apiserver_client_signer, "digital signature", "cn=jane", "client auth");
  check_refusal(apiserver_client_signer, "client auth, server auth", "cn=jane", "server auth");
  check_refusal(legacy_unknown_signer, "server auth, code signing", "cn=anything dns=any", "signs");
}

void check_approvals(const CertificateSigningRequest& csr, const std::string& request, const std::string& want) {
  Words out;
  for (const Approval& approval : approvals_for(csr, request_of(request))) out.add(approval.subresource);
  EXPECT_EQ(out.text(), want) << csr.spec.signer_name << " " << csr.spec.username << " " << request;
}

TEST(CsrPlan, WhatIsApprovedByItself) {
  check_approvals(csr_of(kubelet_client_signer, client_usages), node_request, "selfnodeclient nodeclient");  // a renewal
  check_approvals(csr_of(kubelet_client_signer, client_usages, "system:bootstrap:abcdef"), node_request, "nodeclient");
  check_approvals(csr_of(kubelet_client_signer, client_usages, "system:node:n2"), node_request, "nodeclient");
  check_approvals(csr_of(kubelet_client_signer, "client auth"), node_request, "");
  check_approvals(csr_of(kubelet_client_signer, client_usages), node_request + " dns=n1", "");
  check_approvals(csr_of(kubelet_serving_signer, server_usages), node_request + " dns=n1", "");
  check_approvals(csr_of(apiserver_client_signer, client_usages), node_request, "");
}

TEST(CsrPlan, AKubeletsOwnServingCertificate) {
  const auto check = [](const CertificateSigningRequest& csr, const std::string& request, bool want) {
    EXPECT_EQ(is_own_serving_request(csr, request_of(request)), want) << csr.spec.username << " " << request;
  };
  check(csr_of(kubelet_serving_signer, server_usages), node_request + " dns=n1", true);
  check(csr_of(kubelet_serving_signer, server_usages, "system:node:n2"), node_request + " dns=n1", false);
  check(csr_of(kubelet_serving_signer, client_usages), node_request + " dns=n1", false);
  check(csr_of(kubelet_client_signer, client_usages), node_request, false);
}

TEST(CsrPlan, Lifetime) {
  const auto check = [](std::optional<int32_t> asked, int64_t most, int64_t want) {
    CertificateSigningRequest csr;
    csr.spec.expiration_seconds = asked;
    EXPECT_EQ(lifetime_seconds(csr, std::chrono::seconds(most)), want) << asked.value_or(-1) << " of " << most;
  };
  check(std::nullopt, 3600, 3600);
  check(1800, 3600, 1800);
  check(7200, 3600, 3600);
  check(60, 3600, 600);  // ten minutes at least
  check(60, 300, 300);   // but never more than the signer gives
}

// "Approved=SECONDS-AGO ..."; `created` seconds ago; "again in" seconds from now.
void check_deletion(int64_t created, const std::string& conditions, bool issued, std::optional<int64_t> expires_in, std::optional<int64_t> want) {
  CertificateSigningRequest csr;
  csr.metadata.creation_timestamp = ago(created);
  if (issued) csr.status.certificate = "pem";
  for (const std::string& word : split(conditions, ' ')) {
    auto& condition = csr.status.conditions.emplace_back();
    condition.type = word.substr(0, word.find('='));
    condition.last_update_time = ago(std::stoll(word.substr(word.find('=') + 1)));
  }
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(plan_time.time_since_epoch()).count();
  const auto when = deletion_time(csr, expires_in ? std::optional(now + *expires_in) : std::nullopt);
  const auto in = when ? std::optional(std::chrono::duration_cast<std::chrono::seconds>(*when - plan_time).count()) : std::nullopt;
  EXPECT_EQ(in, want) << conditions;
}

TEST(CsrPlan, WhenARequestIsOld) {
  check_deletion(100, "", false, std::nullopt, 86300);               // pending: a day
  check_deletion(9000, "Approved=100", true, std::nullopt, 3500);    // issued: an hour
  check_deletion(9000, "Approved=100", false, std::nullopt, 86300);  // approved and not signed yet: a day
  check_deletion(9000, "Denied=100", false, std::nullopt, 3500);
  check_deletion(9000, "Failed=100", false, std::nullopt, 3500);
  check_deletion(9000, "Approved=200 Failed=100", false, std::nullopt, 3500);
  check_deletion(9000, "Approved=100 Denied=300", false, std::nullopt, 3300);
  check_deletion(9000, "Approved=100", true, 50, 50);  // its certificate ends sooner
  check_deletion(9000, "Approved=100", true, 7200, 3500);
}

TEST(CsrPlan, States) {
  const auto check = [](const std::string& conditions, const std::string& want) {
    CertificateSigningRequest csr;
    for (const std::string& word : split(conditions, ' ')) csr.status.conditions.emplace_back().type = word;
    Words out;
    if (is_approved(csr)) out.add("approved");
    if (is_denied(csr)) out.add("denied");
    if (is_failed(csr)) out.add("failed");
    EXPECT_EQ(out.text(), want) << conditions;
  };
  check("", "");
  check("Approved", "approved");
  check("Denied", "denied");
  check("Approved Denied", "denied");
  check("Approved Failed", "approved failed");
}

// Seconds from now to the beginning and the end of a certificate.
void check_validity(std::optional<int32_t> asked, int64_t issuer_left, const std::string& want) {
  auto csr = csr_of(legacy_unknown_signer, client_usages);
  if (asked) csr.spec.expiration_seconds = *asked;
  const auto spec = plan_certificate(csr, request_of("cn=jane"), {1000000, 1000000 + issuer_left, std::chrono::hours(24 * 365)});
  const std::string text = spec ? std::to_string(spec->not_before - 1000000) + " " + std::to_string(spec->not_after - 1000000) : "expired";
  EXPECT_EQ(text, want) << asked.value_or(0) << " " << issuer_left;
}

TEST(CsrPlan, ValidityOfWhatIsSigned) {
  constexpr int64_t far = int64_t{1} << 40;
  check_validity(std::nullopt, far, "-300 31535700");
  check_validity(600, far, "-300 600");  // short lives keep their end
  check_validity(28799, far, "-300 28799");
  check_validity(28800, far, "-300 28500");
  check_validity(3600, 1800, "-300 1800");
  check_validity(3600, 0, "expired");
}

TEST(CsrPlan, WhatIsSignedIsWhatWasAskedFor) {
  auto request = request_of("cn=jane o=devs o=ops dns=a ip=10.0.0.1 email=a@b uri=spiffe://a");
  request.attributes = {{"OU", "unit"}, {"C", "DE"}};
  const auto spec = plan_certificate(csr_of(apiserver_client_signer, "client auth"), request, {1, 1000, std::chrono::hours(1)});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->common_name, "jane");
  EXPECT_EQ(spec->organizations, request.organizations);
  EXPECT_EQ(spec->attributes, request.attributes);
  EXPECT_EQ(spec->dns_names, request.dns_names);
  EXPECT_EQ(spec->ip_addresses, request.ip_addresses);
  EXPECT_EQ(spec->emails, request.emails);
  EXPECT_EQ(spec->uris, request.uris);
  EXPECT_EQ(spec->usages, std::vector<std::string>{"client auth"});
}

}  // namespace
}  // namespace pintle::controller::csr

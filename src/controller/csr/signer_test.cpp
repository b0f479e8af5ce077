#include <gtest/gtest.h>

#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"
#include "controller/csr/controller.h"
#include "controller/csr/plan.h"
#include "controller/testing.h"

namespace pintle::controller::csr {
namespace {

using testing::pass;
using testing::World;

// An approved request for a client certificate.
CertificateSigningRequest approved() {
  CertificateSigningRequest csr;
  csr.metadata.name = csr.metadata.uid = "r";
  csr.spec.signer_name = apiserver_client_signer;
  csr.spec.usages = {"client auth"};
  component::CertificateSpec spec;
  spec.common_name = "jane";
  const auto key = component::PrivateKey::generate_ec_p256();
  CHECK(key, "a key for the test");
  csr.spec.request = *component::make_certificate_request(spec, *key);
  auto& condition = csr.status.conditions.emplace_back();
  condition.type = "Approved";
  condition.status = "True";
  return csr;
}

// The authority's files are none: that is no fault of the request, which waits, and its owner can read why.
TEST(CsrSigner, SaysWhyItCannotSign) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.options.signers[std::string(apiserver_client_signer)] = {"no certificate", "no key"};
    world.server.put(approved());
    co_await world.start(make_csr_signer);
    co_await pass(std::chrono::seconds(5));
    EXPECT_TRUE(world.event("SigningFailed").starts_with("The signer kubernetes.io/kube-apiserver-client cannot sign: "))
        << world.event("SigningFailed");
    EXPECT_TRUE(world.server.written("PUT", "/status").empty());
  });
}

}  // namespace
}  // namespace pintle::controller::csr

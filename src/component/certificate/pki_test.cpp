#include "component/certificate/pki.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::component {
namespace {

constexpr int64_t day = 24 * 3600;

// Runs `body` on a simulated machine, whose disk and clock the Pki uses.
void on_machine(std::function<void(rt::Simulation&, rt::Machine&)> body) {
  rt::Simulation sim({.seed = 1});
  rt::Machine& machine = sim.add_machine({.name = "server"});
  body(sim, machine);
}

CertificateInfo certificate_at(const Pki& pki, std::string_view file) {
  const auto pem = pki.read(file);
  EXPECT_TRUE(pem);
  return *parse_certificate_der(certificates_from_pem(*pem)->front());
}

TEST(Pki, MakesWhatIsMissingOnce) {
  on_machine([](rt::Simulation&, rt::Machine& machine) {
    Pki pki(machine, "/pki");
    const PkiNames names{{"kubernetes"}, {"10.96.0.1"}};
    EXPECT_TRUE(pki.ensure(names).value_or(false));
    const std::string before = *pki.read("apiserver.crt");
    EXPECT_FALSE(pki.ensure(names).value_or(true));
    EXPECT_EQ(*pki.read("apiserver.crt"), before);
    const auto admin = certificate_at(pki, "admin.crt");
    EXPECT_EQ(admin.organizations, std::vector<std::string>{"system:masters"});
    for (const char* key : {"ca.key", "sa.key", "admin.key", "apiserver.key", "front-proxy-client.key"})
      EXPECT_EQ(machine.disk().stat(pki.path(key))->mode, 0600u) << key;
  });
}

TEST(Pki, ChangedNamesMakeTheCertificateAnew) {
  on_machine([](rt::Simulation&, rt::Machine& machine) {
    Pki pki(machine, "/pki");
    ASSERT_TRUE(pki.ensure({{"kubernetes"}, {"10.0.0.1"}}));
    EXPECT_TRUE(pki.ensure({{"kubernetes"}, {"10.0.0.2"}}).value_or(false));
    EXPECT_EQ(certificate_at(pki, "apiserver.crt").ip_addresses, std::vector<std::string>{"10.0.0.2"});
  });
}

TEST(Pki, RenewsLongBeforeTheEndAndKeepsTheAuthoritysKey) {
  on_machine([](rt::Simulation& sim, rt::Machine& machine) {
    Pki pki(machine, "/pki");
    const PkiNames names{{"kubernetes"}, {}};
    ASSERT_TRUE(pki.ensure(names));
    const auto first = certificate_at(pki, "apiserver.crt");
    EXPECT_GT(pki.due(), first.not_before + 200 * day);
    EXPECT_LT(pki.due(), first.not_after - 100 * day);
    ASSERT_TRUE(sim.run_for(std::chrono::hours(24 * 250)));
    EXPECT_TRUE(pki.ensure(names).value_or(false));
    EXPECT_GT(certificate_at(pki, "apiserver.crt").not_after, first.not_after + 200 * day);

    const std::string ca_key = *pki.read("ca.key");
    const auto ca = certificate_at(pki, "ca.crt");
    ASSERT_TRUE(sim.run_for(std::chrono::hours(24 * 365 * 8)));
    EXPECT_TRUE(pki.ensure(names).value_or(false));
    EXPECT_EQ(*pki.read("ca.key"), ca_key);
    EXPECT_GT(certificate_at(pki, "ca.crt").not_after, ca.not_after);
  });
}

// Kubelets' serving certificates have an authority of their own; one that the cluster's CA signed before is made anew.
TEST(Pki, KubeletsServeByAnAuthorityOfTheirOwn) {
  on_machine([](rt::Simulation&, rt::Machine& machine) {
    Pki pki(machine, "/pki");
    ASSERT_TRUE(pki.ensure({}));
    CertificateSpec spec;
    spec.common_name = "system:node:a";
    spec.dns_names = {"a"};
    spec.server = true;
    EXPECT_TRUE(pki.ensure_kubelet_serving("kubelet", spec).value_or(false));
    EXPECT_FALSE(pki.ensure_kubelet_serving("kubelet", spec).value_or(true));
    const std::string own = *pki.read("kubelet-serving-ca.crt"), cluster = *pki.read("ca.crt");
    EXPECT_TRUE(is_issued_by(*pki.read("kubelet.crt"), own));
    EXPECT_FALSE(is_issued_by(*pki.read("kubelet.crt"), cluster));
    EXPECT_FALSE(is_issued_by(own, cluster));
    spec.not_before = 0;
    spec.not_after = 4000000000;
    const auto cluster_key = PrivateKey::parse_pem(*pki.read("ca.key")), key = PrivateKey::parse_pem(*pki.read("kubelet.key"));
    ASSERT_TRUE(machine.disk().write("/pki/kubelet.crt", *issue_certificate(spec, key->public_key(), *cluster_key, cluster), 0644));
    EXPECT_TRUE(pki.ensure_kubelet_serving("kubelet", spec).value_or(false));
    EXPECT_TRUE(is_issued_by(*pki.read("kubelet.crt"), own));
  });
}

TEST(Pki, ADamagedKeyIsNamed) {
  on_machine([](rt::Simulation&, rt::Machine& machine) {
    Pki pki(machine, "/pki");
    ASSERT_TRUE(pki.ensure({}));
    ASSERT_TRUE(machine.disk().write("/pki/ca.key", "garbage", 0600));
    const auto result = pki.ensure({});
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().message.starts_with("/pki/ca.key: ")) << result.error().message;
  });
}

}  // namespace
}  // namespace pintle::component

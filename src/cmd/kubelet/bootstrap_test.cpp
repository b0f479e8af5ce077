#include "cmd/kubelet/bootstrap.h"

#include <gtest/gtest.h>

#include "client/kubeconfig.h"
#include "component/certificate/certificate.h"
#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

std::string issued(const component::PrivateKey& key, int64_t not_after) {
  component::CertificateSpec spec;
  spec.common_name = "system:node:a";
  spec.client = true;
  spec.not_before = 1000;
  spec.not_after = not_after;
  return component::issue_certificate(spec, key.public_key(), key, "").value();
}

TEST(Bootstrap, WhichKubeconfigsAreGood) {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  const auto key = component::PrivateKey::generate_ec_p256();
  client::KubeconfigContent content;
  content.cluster_name = content.user_name = "x";
  content.server = "https://127.0.0.1:6443";
  content.key_pem = key->to_pem();
  const auto good = [&](const std::string& cert_pem, const std::string& token = "") {
    content.cert_pem = cert_pem;
    content.token = token;
    EXPECT_TRUE(disk.write("/kubeconfig", client::write_kubeconfig(content)));
    return is_kubeconfig_good(disk, "/kubeconfig", 2000);
  };
  EXPECT_FALSE(is_kubeconfig_good(disk, "/kubeconfig", 2000)) << "there is none";
  EXPECT_TRUE(good(issued(*key, 3000)));
  EXPECT_FALSE(good(issued(*key, 1999)));
  EXPECT_FALSE(good(issued(*key, 3000) + issued(*key, 1999))) << "one of its chain";
  EXPECT_FALSE(good("", "token")) << "the kubelet's own has a certificate";
  EXPECT_TRUE(disk.write("/kubeconfig", "{"));
  EXPECT_FALSE(is_kubeconfig_good(disk, "/kubeconfig", 2000));
}

}  // namespace
}  // namespace pintle::cmd

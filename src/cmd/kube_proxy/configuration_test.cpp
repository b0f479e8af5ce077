#include <gtest/gtest.h>

#include "cmd/kube_proxy/command.h"
#include "cmd/kube_proxy/flags.h"
#include "cmd/testing.h"
#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

using Configuration = api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration;

struct World {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  Result<Configuration> read(const std::vector<std::string>& arguments) {
    return kube_proxy_configuration(disk, testing::flags_of(kube_proxy_flags(), arguments));
  }
};

TEST(KubeProxyConfiguration, FlagsSayAllWhereThereIsNoFile) {
  World world;
  const auto bare = world.read({});
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_EQ(bare->healthz_bind_address, "0.0.0.0:10256");
  EXPECT_EQ(bare->metrics_bind_address, "127.0.0.1:10249");
  EXPECT_EQ(bare->conntrack.max_per_core.value_or(0), 32768);
  EXPECT_EQ(bare->conntrack.tcp_established_timeout.value_or(api::Duration{}).nanos, 24 * 3600 * 1'000'000'000LL);
  EXPECT_EQ(bare->oom_score_adj.value_or(0), -999);
  EXPECT_EQ(bare->client_connection.qps, 5);
  EXPECT_EQ(bare->client_connection.burst, 10);
  const auto given =
      world.read({"--cluster-cidr=10.1.0.0/16", "--proxy-mode=nftables", "--nodeport-addresses=10.0.0.0/8,192.168.0.0/16", "--masquerade-all",
                  "--kube-api-qps=2.5", "--feature-gates=AllAlpha=false", "--healthz-bind-address=", "--conntrack-udp-timeout=30s",
                  "--detect-local-mode=BridgeInterface", "--pod-bridge-interface=br0", "--hostname-override=n1", "--v=4"});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->cluster_cidr, "10.1.0.0/16");
  EXPECT_EQ(given->mode, "nftables");
  EXPECT_EQ(given->node_port_addresses.size(), 2u);
  EXPECT_TRUE(given->nftables.masquerade_all);
  EXPECT_EQ(given->client_connection.qps, 2.5);
  EXPECT_EQ(given->feature_gates.size(), 1u);
  EXPECT_EQ(given->healthz_bind_address, "");
  EXPECT_EQ(given->conntrack.udp_timeout.nanos, 30'000'000'000LL);
  EXPECT_EQ(given->detect_local.bridge_interface, "br0");
  EXPECT_EQ(given->hostname_override, "n1");
  EXPECT_EQ(given->logging.verbosity, 4u);
}

TEST(KubeProxyConfiguration, AFileOutweighsFlagsButForThoseOfTheMachine) {
  World world;
  ASSERT_TRUE(world.disk.write(
      "/p.yaml",
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.2.0.0/16\nmetricsBindAddress: 0.0.0.0\n"));
  const auto config = world.read({"--config=/p.yaml", "--cluster-cidr=10.1.0.0/16", "--hostname-override=n2"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->cluster_cidr, "10.2.0.0/16");
  EXPECT_EQ(config->metrics_bind_address, "0.0.0.0:10249");
  EXPECT_EQ(config->hostname_override, "n2");
  ASSERT_TRUE(world.disk.write("/bad.yaml", "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCidr: x\n"));
  const auto bad = world.read({"--config=/bad.yaml"});
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("unknown field \"clusterCidr\""), std::string::npos) << bad.error().message;
}

}  // namespace
}  // namespace pintle::cmd

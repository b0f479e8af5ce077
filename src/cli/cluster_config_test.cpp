#include "cli/cluster_config.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::cli {
namespace {

Result<ClusterConfig> parse(bool server, std::vector<const char*> args, std::string_view file = {}) {
  rt::Simulation sim({.seed = 1});
  rt::Machine& machine = sim.add_machine({.name = "a"});
  EXPECT_TRUE(machine.disk().write("/config.yaml", file));
  component::FlagSet flags("pintle", server ? server_flags() : agent_flags());
  return parse_cluster_config(flags, server, args, machine.disk());
}

TEST(ClusterConfig, Defaults) {
  const auto config = parse(true, {});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data_dir, "/var/lib/pintle");
  EXPECT_EQ(config->cluster_dns, "10.43.0.10");
  EXPECT_EQ(config->write_kubeconfig, "/var/lib/pintle/admin.kubeconfig");
  EXPECT_EQ(config->write_kubeconfig_mode, 0600u);
  EXPECT_EQ(config->node.pod_logs_dir, "/var/log/pods");
  EXPECT_EQ(config->node.kubelet_root_dir, "/var/lib/kubelet") << "where storage drivers look for it";
  EXPECT_TRUE(config->node.enabled);
  EXPECT_EQ(config->metrics_resolution, std::chrono::seconds(15));
}

TEST(ClusterConfig, TheFileIsReadFirstAndFlagsWin) {
  const auto config = parse(true, {"--config=/config.yaml", "--https-listen-port=7443", "--tls-san=c"},
                            "https-listen-port: 9443\ndata-dir: /d\ntls-san: [a, b]\ndisable-agent: true\nservice-cidr: 10.96.0.0/12\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->https_listen_port, 7443);
  EXPECT_EQ(config->data_dir, "/d");
  EXPECT_EQ(config->tls_sans, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(config->node.enabled);
  EXPECT_EQ(config->cluster_dns, "10.96.0.10");
  EXPECT_EQ(config->node.pod_logs_dir, "/d/log/pods");
  EXPECT_EQ(config->node.kubelet_root_dir, "/d/kubelet");
}

TEST(ClusterConfig, ArgumentsOfComponentsStayWhole) {
  const auto config = parse(true, {"--config=/config.yaml", "--kube-controller-manager-arg=controllers=*,-ttl", "--kubelet-arg=max-pods=20"},
                            "kube-controller-manager-arg: [node-monitor-grace-period=20s]\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->arguments.at("kube-controller-manager"), (std::vector<std::string>{"node-monitor-grace-period=20s", "controllers=*,-ttl"}));
  EXPECT_EQ(config->arguments.at("kubelet"), (std::vector<std::string>{"max-pods=20"}));
  EXPECT_TRUE(config->arguments.at("kube-apiserver").empty());
  const auto agent = parse(false, {"--server=https://a", "--kube-proxy-arg=v=3"});
  ASSERT_TRUE(agent) << agent.error().message;
  EXPECT_EQ(agent->arguments.at("kube-proxy"), (std::vector<std::string>{"v=3"}));
  EXPECT_FALSE(parse(false, {"--server=https://a", "--kube-apiserver-arg=v=3"}));
}

TEST(ClusterConfig, WithoutItsDnsAClusterHasTheOneThatIsNamed) {
  const auto dns = [](std::vector<const char*> args) { return parse(true, std::move(args))->cluster_dns; };
  EXPECT_EQ(dns({"--disable=dns"}), "");
  EXPECT_EQ(dns({"--disable=dns", "--cluster-dns=10.43.0.53"}), "10.43.0.53");
  EXPECT_EQ(dns({"--cluster-dns=10.43.0.53"}), "10.43.0.53");
}

void check_refused(bool server, std::vector<const char*> args, std::string_view file, std::string_view message) {
  const auto config = parse(server, std::move(args), file);
  ASSERT_FALSE(config) << message;
  EXPECT_EQ(config.error().message, message);
}
TEST(ClusterConfig, MistakesAreNamed) {
  check_refused(true, {"--https-listen-port=70000"}, "", "--https-listen-port must be 1-65535");
  check_refused(true, {"--disable=etcd"}, "", "--disable: there is no component \"etcd\"");
  check_refused(true, {"--metrics-resolution=9s"}, "", "--metrics-resolution must be at least 10s");
  check_refused(true, {"--token=abc"}, "", "--token must have the form abcdef.0123456789abcdef (lower-case letters and digits)");
  check_refused(true, {"--service-cidr=10.0.0.0/30"}, "", "--service-cidr: \"10.0.0.0/30\" is too small");
  check_refused(true, {"--cluster-cidr=pods"}, "", "--cluster-cidr: \"pods\" is not an address range such as 10.0.0.0/16");
  check_refused(true, {"--write-kubeconfig-mode=rw"}, "", "--write-kubeconfig-mode must be an octal mode such as 0600, not \"rw\"");
  check_refused(true, {"--config=/config.yaml"}, "tls-san: {a: b}\n",
                "/config.yaml: tls-san must be a string, a number, a boolean or a list of them");
  check_refused(true, {"--config=/config.yaml"}, "- a\n", "/config.yaml must hold a mapping of flag names to values");
  check_refused(true, {"--data-dir=here"}, "", "--data-dir must be an absolute path, not \"here\"");
  check_refused(false, {"--token=abcdef.0123456789abcdef"}, "", "--server must be the https:// URL of the API server to join");
}

TEST(ClusterConfig, GatesAndLevelsOfFiles) {
  const auto config = parse(true, {"--feature-gates=MemoryQoS=true,EventedPLEG=false", "--vmodule=node=4"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->wanted_gates, (std::map<std::string, bool>{{"EventedPLEG", false}, {"MemoryQoS", true}}));
  ASSERT_EQ(config->vmodule.size(), 1u);
  EXPECT_EQ(config->vmodule[0].pattern, "node");
  EXPECT_FALSE(parse(true, {"--vmodule=node"}));
}

TEST(ClusterConfig, Taints) {
  const auto config = parse(true, {"--node-taint=a/b=c:NoExecute,d:NoSchedule"});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->node.taints.size(), 2u);
  EXPECT_EQ(config->node.taints[0].key + "|" + config->node.taints[0].value + "|" + config->node.taints[0].effect, "a/b|c|NoExecute");
  EXPECT_EQ(config->node.taints[1].key + "|" + config->node.taints[1].value + "|" + config->node.taints[1].effect, "d||NoSchedule");
  for (const char* bad : {"--node-taint=a", "--node-taint=a=b", "--node-taint=:NoSchedule", "--node-taint=a:Never"})
    EXPECT_FALSE(parse(true, {bad})) << bad;
}

TEST(NthAddress, OfBothFamilies) {
  EXPECT_EQ(nth_address("10.43.0.0/16", 1).value_or(""), "10.43.0.1");
  EXPECT_EQ(nth_address("10.43.1.7/16", 300).value_or(""), "10.43.1.44");
  EXPECT_EQ(nth_address("fd00::/108", 10).value_or(""), "fd00::a");
  EXPECT_FALSE(nth_address("10.43.0.0", 1));
  EXPECT_FALSE(nth_address("10.43.0.0/33", 1));
}

}  // namespace
}  // namespace pintle::cli

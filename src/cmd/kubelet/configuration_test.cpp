#include <gtest/gtest.h>

#include "cmd/kubelet/command.h"
#include "cmd/kubelet/flags.h"
#include "cmd/testing.h"
#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

using Configuration = api::kubeletconfig_v1beta1::KubeletConfiguration;

struct World {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();

  void write(const std::string& path, const std::string& fields) {
    EXPECT_TRUE(disk.write(path, "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n" + fields));
  }
  Result<Configuration> read(const std::vector<std::string>& arguments) {
    return kubelet_configuration(disk, testing::flags_of(kubelet_flags(), arguments));
  }
};

TEST(KubeletConfiguration, OlderDefaultsOfFlagsCountWithoutAFileAlone) {
  World world;
  world.write("/k.yaml", "maxPods: 10\n");
  const auto bare = world.read({}), filed = world.read({"--config=/k.yaml"});
  ASSERT_TRUE(bare) << bare.error().message;
  ASSERT_TRUE(filed) << filed.error().message;
  EXPECT_TRUE(bare->authentication.anonymous.enabled.value_or(false));
  EXPECT_EQ(bare->authorization.mode, "AlwaysAllow");
  EXPECT_EQ(bare->read_only_port, 10255);
  EXPECT_FALSE(filed->authentication.anonymous.enabled.value_or(true));
  EXPECT_EQ(filed->authorization.mode, "Webhook");
  EXPECT_EQ(filed->read_only_port, 0);
  EXPECT_EQ(filed->max_pods, 10);
}

TEST(KubeletConfiguration, FlagsOutweighPiecesAndPiecesTheFile) {
  World world;
  world.write("/k.yaml", "maxPods: 10\npodPidsLimit: 7\nevictionHard: {memory.available: 5%}\nfeatureGates: {MemoryQoS: true}\n");
  ASSERT_TRUE(world.disk.make_directories("/k.d"));
  world.write("/k.d/20.conf", "maxPods: 30\n");
  world.write("/k.d/10.conf", "maxPods: 20\nregistryPullQPS: 9\n");
  world.write("/k.d/30.yaml", "maxPods: 99\n");
  const auto pieces = world.read({"--config=/k.yaml", "--config-dir=/k.d"});
  ASSERT_TRUE(pieces) << pieces.error().message;
  EXPECT_EQ(pieces->max_pods, 30) << "the last piece named *.conf";
  EXPECT_EQ(pieces->registry_pull_qps, 9);
  EXPECT_EQ(pieces->pod_pids_limit, 7);
  const auto flagged = world.read({"--config=/k.yaml", "--config-dir=/k.d", "--max-pods=40", "--feature-gates=EventedPLEG=false"});
  ASSERT_TRUE(flagged) << flagged.error().message;
  EXPECT_EQ(flagged->max_pods, 40);
  EXPECT_EQ(flagged->feature_gates.size(), 2u) << "gates add up";
}

std::string reserved_shown(const std::vector<std::string>& flags) {
  World world;
  std::vector<std::string> arguments{"--memory-manager-policy=Static"};
  for (const auto& flag : flags) arguments.push_back("--reserved-memory=" + flag);
  const auto read = world.read(arguments);
  if (!read) return read.error().message;
  std::string out;
  for (const auto& one : read->reserved_memory) {
    out += std::to_string(one.numa_node) + ":";
    for (const auto& [name, amount] : one.limits) out += name + "=" + amount.text() + " ";
  }
  return out;
}

TEST(KubeletConfiguration, ReservedMemoryByNode) {
  EXPECT_EQ(reserved_shown({"0:memory=1Gi,hugepages-2Mi=64Mi;1:memory=2Gi"}), "0:hugepages-2Mi=64Mi memory=1Gi 1:memory=2Gi ");
  EXPECT_EQ(reserved_shown({"0:memory=1Gi", "1:memory=2Gi"}), "0:memory=1Gi 1:memory=2Gi ");
  EXPECT_EQ(reserved_shown({"0"}), "the reserved memory has incorrect format, expected numaNodeID:type=quantity[,type=quantity...], got 0");
  EXPECT_EQ(reserved_shown({"x:memory=1"}), "failed to convert the NUMA node ID, expected integer, got x");
  EXPECT_EQ(reserved_shown({"0:memory"}), "the reserved limit has incorrect value, expected type=quantity, got memory");
  EXPECT_EQ(reserved_shown({"0:cpu=1"}), "memory type conversion error, unknown type: \"cpu\"");
  EXPECT_EQ(reserved_shown({"0:memory=many"}), "failed to parse the quantity: many");
}

TEST(KubeletConfiguration, HeadersOfTheUrlAddUp) {
  World world;
  world.write("/k.yaml", "staticPodURL: http://a/b\nstaticPodURLHeader: {old: [x]}\n");
  EXPECT_TRUE(world.read({"--config=/k.yaml"})->static_pod_url_header.contains("old"));
  const auto read = world.read(
      {"--config=/k.yaml", "--manifest-url-header=a:hello, b: again:x", "--manifest-url-header=b:beautiful", "--manifest-url=https://c/d"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->static_pod_url, "https://c/d");
  EXPECT_EQ(read->static_pod_url_header.size(), 2u);
  EXPECT_EQ(*read->static_pod_url_header.get("b"), (std::vector<std::string>{"again:x", "beautiful"}));
  const auto bad = world.read({"--manifest-url=http://c", "--manifest-url-header=nonsense"});
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("malformed pair"), std::string::npos) << bad.error().message;
}

TEST(KubeletConfiguration, MistakesNameFileOrField) {
  World world;
  ASSERT_TRUE(world.disk.write("/other.yaml", "apiVersion: v1\nkind: ConfigMap\n"));
  world.write("/typo.yaml", "maxPod: 3\n");
  world.write("/gate.yaml", "featureGates: {NoSuchGate: true}\n");
  world.write("/policy.yaml", "cpuManagerPolicy: nonsense\n");
  const std::pair<std::string, std::string> mistakes[] = {
      {"/other.yaml", "configuration file /other.yaml: must be apiVersion kubelet.config.k8s.io/v1beta1"},
      {"/typo.yaml", "unknown field \"maxPod\""},
      {"/gate.yaml", "NoSuchGate"},
      {"/policy.yaml", "nonsense"}};
  for (const auto& [file, wanted] : mistakes) {
    const auto read = world.read({"--config=" + file});
    ASSERT_FALSE(read) << file;
    EXPECT_NE(read.error().message.find(wanted), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace pintle::cmd

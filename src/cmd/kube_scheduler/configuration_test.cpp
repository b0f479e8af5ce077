#include <gtest/gtest.h>

#include "cmd/kube_scheduler/command.h"
#include "cmd/kube_scheduler/flags.h"
#include "cmd/testing.h"
#include "rt/sim/simulation.h"

namespace pintle::cmd {
namespace {

struct World {
  rt::Simulation sim{{.seed = 1}};
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  Result<scheduler::config::SchedulerConfig> read(const std::vector<std::string>& arguments) {
    return scheduler_configuration(disk, testing::flags_of(kube_scheduler_flags(), arguments));
  }
};

TEST(SchedulerConfiguration, FlagsAndTheFile) {
  World world;
  const auto bare = world.read({"--kubeconfig=/k", "--kube-api-qps=7.5", "--kube-api-burst=9"});
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_EQ(bare->kubeconfig, "/k");
  EXPECT_EQ(bare->client_qps, 7.5);
  EXPECT_EQ(bare->client_burst, 9);
  EXPECT_TRUE(bare->leader_elect);
  EXPECT_EQ(bare->pod_max_in_unschedulable, std::chrono::minutes(5));

  ASSERT_TRUE(world.disk.write(
      "/s.yaml",
      "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nclientConnection: {kubeconfig: /file, qps: 11}\n"
      "leaderElection: {leaderElect: true, leaseDuration: 40s, renewDeadline: 30s}\n"));
  const auto filed =
      world.read({"--config=/s.yaml", "--kubeconfig=/k", "--kube-api-qps=7.5", "--leader-elect=false", "--leader-elect-retry-period=5s"});
  ASSERT_TRUE(filed) << filed.error().message;
  EXPECT_EQ(filed->kubeconfig, "/file");
  EXPECT_EQ(filed->client_qps, 11);
  EXPECT_FALSE(filed->leader_elect);
  EXPECT_EQ(filed->lease_duration, std::chrono::seconds(40));
  EXPECT_EQ(filed->retry_period, std::chrono::seconds(5));
}

TEST(SchedulerConfiguration, MistakesNameFileOrFlag) {
  World world;
  ASSERT_TRUE(world.disk.write("/s.yaml", "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofile: []\n"));
  const std::pair<std::string, std::string> mistakes[] = {
      {"--config=/s.yaml", "/s.yaml: "},
      {"--leader-elect-resource-lock=endpoints", "--leader-elect-resource-lock must be \"leases\""},
      {"--leader-elect-lease-duration=1s", "leaseDuration must be greater than renewDeadline"}};
  for (const auto& [argument, wanted] : mistakes) {
    const auto read = world.read({argument});
    ASSERT_FALSE(read) << argument;
    EXPECT_TRUE(read.error().message.starts_with(wanted)) << read.error().message;
  }
}

}  // namespace
}  // namespace pintle::cmd

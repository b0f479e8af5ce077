// Clusters in trouble: what was acknowledged stays, every workload gets there, no pod is bound twice.
// One seed again: build/cluster_simulation_test --seed=N
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cluster_simulation.h"

namespace pintle::testing {
namespace {

constexpr uint64_t seeds = 50;

uint64_t first_seed = 1;
uint64_t last_seed = seeds;

TEST(Cluster, KeepsItsPromisesInTrouble) {
  for (uint64_t seed = first_seed; seed <= last_seed && !HasFailure(); ++seed) {
    ClusterPlan plan;
    plan.seed = seed;
    const ClusterOutcome outcome = run_cluster(plan);
    for (const std::string& violation : outcome.violations) ADD_FAILURE() << violation;
    if (!outcome.violations.empty())
      for (const std::string& disaster : outcome.disasters) std::printf("  %s\n", disaster.c_str());
    if (!outcome.violations.empty()) std::printf("again: build/cluster_simulation_test --seed=%llu\n", static_cast<unsigned long long>(seed));
    EXPECT_GT(outcome.acknowledged_writes, 0);
    std::printf("seed %llu: %lld writes, %lld pods, %lld s\n", static_cast<unsigned long long>(seed), static_cast<long long>(outcome.acknowledged_writes),
                static_cast<long long>(outcome.pods_seen), static_cast<long long>(outcome.virtual_time.count() / 1'000'000'000));
  }
}

}  // namespace
}  // namespace pintle::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--seed=", 7) != 0) continue;
    pintle::testing::first_seed = pintle::testing::last_seed = std::strtoull(argv[i] + 7, nullptr, 10);
  }
  return RUN_ALL_TESTS();
}

// Clusters in trouble: what was acknowledged stays, every workload gets there, no pod is bound twice.
// One seed again: SEED=N build/test/simulation/cluster_simulation_test
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cluster_simulation.h"

namespace pintle::testing {
namespace {

constexpr uint64_t seeds = 50;

TEST(Cluster, KeepsItsPromisesInTrouble) {
  // SEED=7 or SEED=1-25.
  const char* wanted = std::getenv("SEED");
  const char* dash = wanted ? std::strchr(wanted, '-') : nullptr;
  const uint64_t first = wanted ? std::strtoull(wanted, nullptr, 10) : 1;
  const uint64_t last = dash ? std::strtoull(dash + 1, nullptr, 10) : wanted ? first : seeds;
  for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) {
    ClusterPlan plan;
    plan.seed = seed;
    const ClusterOutcome outcome = run_cluster(plan);
    for (const std::string& violation : outcome.violations) ADD_FAILURE() << violation;
    if (!outcome.violations.empty()) {
      for (const std::string& disaster : outcome.disasters) std::printf("  %s\n", disaster.c_str());
      for (const std::string& line : outcome.state) std::printf("  %s\n", line.c_str());
    }
    if (!outcome.violations.empty())
      std::printf("again: SEED=%llu build/test/simulation/cluster_simulation_test\n", static_cast<unsigned long long>(seed));
    EXPECT_GT(outcome.acknowledged_writes, 0);
    std::printf("seed %llu: %lld writes, %lld pods, %lld s\n", static_cast<unsigned long long>(seed),
                static_cast<long long>(outcome.acknowledged_writes), static_cast<long long>(outcome.pods_seen),
                static_cast<long long>(outcome.virtual_time.count() / 1'000'000'000));
  }
}

}  // namespace
}  // namespace pintle::testing

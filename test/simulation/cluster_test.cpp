// Clusters in trouble: what was acknowledged stays, every workload gets there, no pod is bound twice.
// One seed again: SEED=N build/test/simulation/cluster_simulation_test
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cluster_simulation.h"

namespace pintle::testing {
namespace {

constexpr uint64_t seeds = 50;

void play(uint64_t seed) {
  ClusterPlan plan;
  plan.seed = seed;
  const ClusterOutcome outcome = run_cluster(plan);
  for (const std::string& violation : outcome.violations) ADD_FAILURE() << violation;
  if (!outcome.violations.empty()) {
    for (const std::string& disaster : outcome.disasters) std::printf("  %s\n", disaster.c_str());
    for (const std::string& line : outcome.state) std::printf("  %s\n", line.c_str());
    std::printf("again: SEED=%llu build/test/simulation/cluster_simulation_test\n", static_cast<unsigned long long>(seed));
  }
  EXPECT_GT(outcome.acknowledged_writes, 0);
  std::printf("seed %llu: %lld writes, %lld pods, %lld s\n", static_cast<unsigned long long>(seed),
              static_cast<long long>(outcome.acknowledged_writes), static_cast<long long>(outcome.pods_seen),
              static_cast<long long>(outcome.virtual_time.count() / 1'000'000'000));
}

// In a process of its own: what a killed machine was at is never freed (rt/sim), some 300 MiB a seed.
bool passes_apart(uint64_t seed) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    play(seed);
    std::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

TEST(Cluster, KeepsItsPromisesInTrouble) {
  // SEED=7 or SEED=1-25.
  const char* wanted = std::getenv("SEED");
  const char* dash = wanted ? std::strchr(wanted, '-') : nullptr;
  const uint64_t first = wanted ? std::strtoull(wanted, nullptr, 10) : 1;
  const uint64_t last = dash ? std::strtoull(dash + 1, nullptr, 10) : wanted ? first : seeds;
  if (first == last) return play(first);
  for (uint64_t seed = first; seed <= last && !HasFailure(); ++seed) EXPECT_TRUE(passes_apart(seed)) << "seed " << seed;
}

}  // namespace
}  // namespace pintle::testing

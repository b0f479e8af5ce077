// A whole cluster on simulated machines: an API server on a disk that fails, a control machine with controllers and
// scheduler, hollow nodes, a user who works, and chaos that follows a seed. Plain HTTP between them: OpenSSL draws chance
// of its own, and a run must be the same again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rt/sim/simulation.h"

namespace pintle::testing {

struct ClusterPlan {
  uint64_t seed = 1;
  int nodes = 200;
  int deployments = 6;
  int daemons = 20;     // nodes that a daemon runs on
  int user_steps = 30;  // changes that the user makes
  int disasters = 8;    // things that go wrong meanwhile
  // After the last of both. What a quota refused comes again after its recount (5 min), within the work queue's longest pause (1,000 s).
  rt::Duration converge_max = std::chrono::minutes(45);
};

struct ClusterOutcome {
  std::vector<std::string> violations;  // empty: all invariants hold
  std::vector<std::string> disasters;   // what went wrong, in order
  std::vector<std::string> state;       // where the workloads stood, if they did not get there
  int64_t acknowledged_writes = 0;
  int64_t pods_seen = 0;
  rt::Duration virtual_time{};
};

ClusterOutcome run_cluster(ClusterPlan plan);

}  // namespace pintle::testing

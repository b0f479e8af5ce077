#include "scheduler/algorithm/algorithm.h"

#include <gtest/gtest.h>

#include <tuple>

namespace pintle::scheduler::algorithm {
namespace {

TEST(Algorithm, LooksAtEnoughNodes) {
  for (const auto& [nodes, percentage, expected] :
       {std::tuple{50u, 0, 50u}, std::tuple{99u, 10, 99u}, std::tuple{100u, 0, 100u}, std::tuple{1000u, 0, 420u}, std::tuple{6000u, 0, 300u},
        std::tuple{5000u, 0, 500u}, std::tuple{1000u, 5, 100u}, std::tuple{1000u, 100, 1000u}, std::tuple{200u, 0, 100u}})
    EXPECT_EQ(feasible_nodes_to_find(nodes, percentage), expected) << nodes << " at " << percentage;
}

TEST(Diagnosis, CountsReasonsInOrder) {
  Diagnosis diagnosis;
  diagnosis.node_count = 5;
  for (int i = 0; i < 3; ++i) {
    NodeRejection rejection;
    rejection.reasons.add(i == 0 ? "node(s) had untolerated taint(s)" : "Insufficient cpu");
    if (i == 2) rejection.reasons.add("Insufficient memory");
    diagnosis.nodes.push_back(rejection);
  }
  EXPECT_EQ(diagnosis.message(), "0/5 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu.");
  diagnosis.absent_reason = "node(s) didn't satisfy plugin(s) [NodeAffinity]";
  EXPECT_EQ(diagnosis.message(),
            "0/5 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu, 2 node(s) didn't satisfy "
            "plugin(s) [NodeAffinity].");
  diagnosis.pre_filter_message = "pod has unbound immediate PersistentVolumeClaims";
  diagnosis.post_filter_message = "preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.";
  EXPECT_EQ(diagnosis.message(),
            "0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/5 nodes are available: 5 Preemption is not "
            "helpful for scheduling.");
}

}  // namespace
}  // namespace pintle::scheduler::algorithm

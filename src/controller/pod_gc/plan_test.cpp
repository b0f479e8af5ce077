#include "controller/pod_gc/plan.h"

#include <gtest/gtest.h>

namespace pintle::controller::pod_gc {
namespace {

// `taint_effect` or `ready` "": none.
void check_out_of_service(const char* taint_effect, const char* ready, bool expected) {
  api::core_v1::Node node;
  if (*taint_effect != 0) {
    auto& taint = node.spec.taints.emplace_back();
    taint.key = "node.kubernetes.io/out-of-service";
    taint.effect = taint_effect;
  }
  if (*ready != 0) {
    auto& condition = node.status.conditions.emplace_back();
    condition.type = "Ready";
    condition.status = ready;
  }
  EXPECT_EQ(is_out_of_service(node), expected) << taint_effect << " " << ready;
}

TEST(PodGcPlan, OutOfServiceIsTaintedAndNotReady) {
  check_out_of_service("NoExecute", "Unknown", true);
  check_out_of_service("NoSchedule", "False", true);
  check_out_of_service("PreferNoSchedule", "", true);
  check_out_of_service("NoExecute", "True", false);  // its kubelet ends the pods
  check_out_of_service("", "Unknown", false);
}

}  // namespace
}  // namespace pintle::controller::pod_gc

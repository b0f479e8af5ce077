#include "controller/namespace_lifecycle/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::namespace_lifecycle {
namespace {

using namespace testing;

// The conditions that say trouble (True), each "Type=Reason: message".
void check(const Outcome& outcome, const std::string& want) {
  const auto status = plan_status({}, outcome, plan_time);
  EXPECT_EQ(status.phase, "Terminating");
  EXPECT_EQ(status.conditions.size(), 5u);
  Words out;
  for (const auto& condition : status.conditions)
    if (condition.status == "True") out.add(condition.type + "=" + condition.reason + ": " + condition.message);
  EXPECT_EQ(out.text(), want);
  EXPECT_EQ(outcome.empty(), want.empty());
}

TEST(NamespacePlan, WhatIsInTheWay) {
  check({}, "");
  check({{"metrics.k8s.io/v1beta1"}, {}, {}, {}},
        "NamespaceDeletionDiscoveryFailure=DiscoveryFailed: Discovery failed for some groups, 1 failing: metrics.k8s.io/v1beta1");
  check({{}, {{"pods.", "no leave"}, {"jobs.batch", "no time"}}, {}, {}},
        "NamespaceDeletionContentFailure=ContentDeletionFailed: Failed to delete all resource types, 2 remaining: no time, no leave");
  check(
      {{}, {}, {{"pods.", 2}, {"deployments.apps", 1}}, {}},
      "NamespaceContentRemaining=SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource "
      "instances");
  check({{}, {}, {{"pods.", 2}}, {{"example.com/hold", 2}}},
        "NamespaceContentRemaining=SomeResourcesRemain: Some resources are remaining: pods. has 2 resource instances "
        "NamespaceFinalizersRemaining=SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource "
        "instances");
}

TEST(NamespacePlan, TroubleThatIsOverIsTakenBack) {
  const auto before = plan_status({}, {{}, {{"pods.", "no leave"}}, {}, {}}, plan_time - std::chrono::seconds(60));
  const auto after = plan_status(before, {}, plan_time);
  for (const auto& condition : after.conditions) {
    EXPECT_EQ(condition.status, "False") << condition.type;
    const bool changed = condition.type == "NamespaceDeletionContentFailure";
    EXPECT_EQ(condition.last_transition_time, ago(changed ? 0 : 60)) << condition.type;
  }
}

}  // namespace
}  // namespace pintle::controller::namespace_lifecycle

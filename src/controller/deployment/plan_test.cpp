#include "controller/deployment/plan.h"
#include "rules/conditions.h"

#include <gtest/gtest.h>

namespace pintle::controller::deployment {
namespace {

constexpr rt::WallTime now{std::chrono::seconds(1'000'000)};

Deployment deployment_of(int32_t replicas, const char* image, const char* surge, const char* unavailable) {
  Deployment d;
  d.metadata.name = "web";
  d.metadata.namespace_ = "default";
  d.metadata.uid = "d";
  d.metadata.generation = 1;
  d.spec.replicas = replicas;
  d.spec.selector.ensure().match_labels["app"] = "web";
  d.spec.template_.metadata.labels["app"] = "web";
  d.spec.template_.spec.containers.emplace_back();
  d.spec.template_.spec.containers[0].image = image;
  d.spec.strategy.type = "RollingUpdate";
  const auto amount = [](const char* text) {
    api::IntOrString out;
    out.is_string = std::string_view(text).ends_with('%');
    if (out.is_string) {
      out.string_value = text;
    } else {
      out.int_value = std::atoi(text);
    }
    return out;
  };
  d.spec.strategy.rolling_update.ensure().max_surge = amount(surge);
  d.spec.strategy.rolling_update->max_unavailable = amount(unavailable);
  d.spec.progress_deadline_seconds = 600;
  d.spec.revision_history_limit = 10;
  return d;
}

SetPtr set_of(const Deployment& d, const char* image, int32_t wanted, int32_t available, int64_t revision) {
  Deployment of = d;
  of.spec.template_.spec.containers[0].image = image;
  ReplicaSet set = make_new_set(of);
  set.metadata.uid = set.metadata.name;
  set.metadata.creation_timestamp = api::time_from_unix(1000 + revision, 0);
  set.metadata.annotations[revision_annotation] = std::to_string(revision);
  set_replicas_annotations(set, replicas_of(d), replicas_of(d) + max_surge(d));
  set.spec.replicas = wanted;
  set.status.replicas = wanted;
  set.status.ready_replicas = set.status.available_replicas = available;
  set.status.observed_generation = 1;
  set.status.terminating_replicas = 0;
  return std::make_shared<const ReplicaSet>(set);
}

// The size that the plan gives the set of that image; its own if it is left alone.
int32_t size_of(const Plan& plan, const Sets& sets, const Deployment& d, const char* image) {
  Deployment of = d;
  of.spec.template_.spec.containers[0].image = image;
  const std::string name = make_new_set(of).metadata.name;
  if (plan.create && plan.create->metadata.name == name) return replicas_of(*plan.create);
  for (const SetUpdate& update : plan.update)
    if (update.set.metadata.name == name) return replicas_of(update.set);
  for (const SetPtr& set : sets)
    if (set->metadata.name == name) return replicas_of(*set);
  return -1;
}

Plan plan_of(const Deployment& d, const Sets& sets) { return plan_deployment({d, sets, false, now}); }

struct RollCase {
  const char* surge;
  const char* unavailable;
  int32_t replicas, old_wanted, old_available, new_wanted, new_available;
  int32_t old_after, new_after;
};

TEST(DeploymentPlan, RollsWithinItsFenceposts) {
  const RollCase cases[] = {
      {"25%", "25%", 4, 4, 4, 0, 0, 4, 1},                                       // surge of one comes first
      {"25%", "25%", 4, 4, 4, 1, 0, 3, 1},                                       // one may be unavailable
      {"25%", "25%", 4, 3, 3, 2, 1, 2, 2}, {"1", "0", 3, 3, 3, 1, 0, 3, 1},      // nothing goes before the new one is there
      {"1", "0", 3, 3, 3, 1, 1, 2, 1},     {"0", "1", 3, 3, 3, 0, 0, 2, 0},      // no room above: an old one goes first
      {"0", "0", 3, 3, 3, 0, 0, 2, 0},                                           // both zero: one may be unavailable
      {"100%", "0", 2, 2, 2, 0, 0, 2, 2},  {"25%", "25%", 4, 4, 1, 1, 0, 3, 1},  // pods that serve nobody go first, but not too many at once
  };
  for (const RollCase& c : cases) {
    const Deployment d = deployment_of(c.replicas, "2", c.surge, c.unavailable);
    const Sets sets = {set_of(d, "1", c.old_wanted, c.old_available, 1), set_of(d, "2", c.new_wanted, c.new_available, 2)};
    const Plan plan = plan_of(d, sets);
    EXPECT_EQ(size_of(plan, sets, d, "1"), c.old_after) << c.surge << " " << c.unavailable << " old " << c.old_wanted << " new " << c.new_wanted;
    EXPECT_EQ(size_of(plan, sets, d, "2"), c.new_after) << c.surge << " " << c.unavailable << " old " << c.old_wanted << " new " << c.new_wanted;
  }
}

TEST(DeploymentPlan, MakesTheFirstSet) {
  const Deployment d = deployment_of(3, "1", "25%", "25%");
  const Plan plan = plan_of(d, {});
  ASSERT_TRUE(plan.create);
  EXPECT_EQ(replicas_of(*plan.create), 3);
  EXPECT_EQ(*plan.create->metadata.annotations.get(revision_annotation), "1");
  EXPECT_EQ(*plan.create->metadata.annotations.get(desired_replicas_annotation), "3");
  EXPECT_EQ(*plan.create->metadata.annotations.get(max_replicas_annotation), "4");
  ASSERT_TRUE(plan.status);
  EXPECT_EQ(rules::find_condition(plan.status->status.conditions, "Progressing")->reason, "NewReplicaSetCreated");
  EXPECT_EQ(rules::find_condition(plan.status->status.conditions, "Available")->status, "False");
}

TEST(DeploymentPlan, RollsBackToASetThatIsThere) {
  const Deployment d = deployment_of(2, "1", "1", "0");
  const Sets sets = {set_of(d, "1", 0, 0, 1), set_of(d, "2", 2, 2, 2)};
  const Plan plan = plan_of(d, sets);
  EXPECT_FALSE(plan.create);
  ASSERT_EQ(plan.update.size(), 1u);
  const ReplicaSet& set = plan.update[0].set;
  EXPECT_EQ(set.metadata.annotations.get(revision_annotation) ? *set.metadata.annotations.get(revision_annotation) : "", "3");
  EXPECT_EQ(*set.metadata.annotations.get(revision_history_annotation), "1");
  EXPECT_EQ(replicas_of(set), 1);
}

TEST(DeploymentPlan, SharesAScalingOutInMidRollout) {
  Deployment d = deployment_of(10, "2", "20%", "20%");
  const Sets sets = {set_of(d, "1", 8, 8, 1), set_of(d, "2", 4, 2, 2)};
  d.spec.replicas = 20;
  const Plan plan = plan_of(d, sets);
  EXPECT_EQ(size_of(plan, sets, d, "1") + size_of(plan, sets, d, "2"), 24);
  EXPECT_EQ(size_of(plan, sets, d, "1"), 16);
  EXPECT_EQ(size_of(plan, sets, d, "2"), 8);
}

TEST(DeploymentPlan, PausedDoesNotRollButScales) {
  Deployment d = deployment_of(2, "2", "1", "0");
  d.spec.paused = true;
  const Sets sets = {set_of(d, "1", 3, 3, 1)};
  const Plan plan = plan_of(d, sets);
  EXPECT_FALSE(plan.create);
  EXPECT_EQ(size_of(plan, sets, d, "1"), 2);
  EXPECT_EQ(rules::find_condition(plan.status->status.conditions, "Progressing")->reason, "DeploymentPaused");
}

TEST(DeploymentPlan, RecreateWaitsForTheOldPods) {
  Deployment d = deployment_of(2, "2", "1", "0");
  d.spec.strategy.type = "Recreate";
  const Sets running = {set_of(d, "1", 2, 2, 1)};
  const Plan first = plan_of(d, running);
  EXPECT_EQ(size_of(first, running, d, "1"), 0);
  EXPECT_FALSE(first.create);
  const Sets gone = {set_of(d, "1", 0, 0, 1)};
  EXPECT_FALSE(plan_deployment({d, gone, true, now}).create);
  EXPECT_TRUE(plan_of(d, gone).create);
}

TEST(DeploymentPlan, SaysThatTheDeadlineHasPassed) {
  Deployment d = deployment_of(2, "2", "1", "0");
  set_deployment_condition(d.status, "Progressing", "True", "ReplicaSetUpdated", "", now - std::chrono::seconds(601));
  d.status.replicas = d.status.updated_replicas = 1;
  const Sets sets = {set_of(d, "2", 2, 0, 1)};
  d.status.replicas = d.status.updated_replicas = 2;
  const Plan plan = plan_of(d, sets);
  ASSERT_TRUE(plan.status);
  EXPECT_EQ(rules::find_condition(plan.status->status.conditions, "Progressing")->reason, "ProgressDeadlineExceeded");
  EXPECT_FALSE(plan.look_again);
}

TEST(DeploymentPlan, KeepsItsHistoryShort) {
  Deployment d = deployment_of(1, "9", "1", "0");
  d.spec.revision_history_limit = 1;
  Sets sets = {set_of(d, "1", 0, 0, 1), set_of(d, "2", 0, 0, 2), set_of(d, "3", 0, 0, 3), set_of(d, "9", 1, 1, 4)};
  d.status = count_status(d, d.status, sets, sets.back(), now);
  const Plan plan = plan_of(d, sets);
  ASSERT_EQ(plan.remove.size(), 2u);
  EXPECT_EQ(revision_of(plan.remove[0]->metadata), 1);
  EXPECT_EQ(revision_of(plan.remove[1]->metadata), 2);
}

}  // namespace
}  // namespace pintle::controller::deployment

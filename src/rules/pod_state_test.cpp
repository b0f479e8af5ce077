#include "rules/pod_state.h"

#include <gtest/gtest.h>

#include "rules/conditions.h"
#include "rules/owner_references.h"

namespace pintle::rules {
namespace {

using api::core_v1::Pod;
using api::core_v1::PodCondition;

PodCondition condition(std::string type, std::string status, int64_t since = 0) {
  PodCondition out;
  out.type = std::move(type);
  out.status = std::move(status);
  out.last_transition_time = {since, 0};
  return out;
}

TEST(PodState, TerminalIsSucceededOrFailed) {
  for (const char* phase : {"Succeeded", "Failed"}) EXPECT_TRUE(is_terminal_phase(phase)) << phase;
  for (const char* phase : {"", "Pending", "Running", "Unknown", "failed"}) EXPECT_FALSE(is_terminal_phase(phase)) << phase;
}

TEST(PodState, ActiveIsNeitherEndedNorDeleted) {
  Pod pod;
  pod.status.phase = "Running";
  EXPECT_TRUE(is_active(pod));
  pod.metadata.deletion_timestamp = api::Time{1, 0};
  EXPECT_FALSE(is_active(pod));
  pod.metadata.deletion_timestamp.reset();
  pod.status.phase = "Failed";
  EXPECT_FALSE(is_active(pod));
}

TEST(PodState, ReadyByItsCondition) {
  Pod pod;
  EXPECT_EQ(ready_condition(pod), nullptr);
  EXPECT_FALSE(is_ready(pod));
  pod.status.conditions = {condition("ContainersReady", "True"), condition("Ready", "False")};
  EXPECT_EQ(ready_condition(pod), &pod.status.conditions[1]);
  EXPECT_FALSE(is_ready(pod));
  pod.status.conditions[1].status = "True";
  EXPECT_TRUE(is_ready(pod));
}

TEST(Conditions, SettingKeepsTheTimeWhileTheStatusStays) {
  std::vector<PodCondition> conditions;
  set_condition(conditions, condition("A", "True", 1));
  set_condition(conditions, condition("B", "True", 2));
  set_condition(conditions, condition("A", "True", 3));
  ASSERT_EQ(conditions.size(), 2u);
  EXPECT_EQ(find_condition(conditions, "A")->last_transition_time.seconds, 1);
  set_condition(conditions, condition("A", "False", 4));
  EXPECT_EQ(find_condition(conditions, "A")->last_transition_time.seconds, 4);
  EXPECT_TRUE(condition_is(conditions, "A", "False"));
  EXPECT_FALSE(condition_is(conditions, "C", ""));
  remove_condition(conditions, "A");
  EXPECT_EQ(find_condition(conditions, "A"), nullptr);
}

TEST(OwnerReferences, TheControllerByUid) {
  api::meta_v1::ObjectMeta owner, meta;
  owner.name = "set";
  owner.uid = "u1";
  EXPECT_EQ(controller_of(meta), nullptr);
  EXPECT_FALSE(is_controlled_by(meta, owner));
  meta.owner_references = {controller_reference("apps/v1", "ReplicaSet", owner)};
  meta.owner_references[0].controller.reset();
  EXPECT_FALSE(is_controlled_by(meta, owner));
  meta.owner_references.push_back(controller_reference("apps/v1", "ReplicaSet", owner));
  EXPECT_EQ(controller_of(meta), &meta.owner_references[1]);
  EXPECT_TRUE(is_controlled_by(meta, owner));
  EXPECT_TRUE(meta.owner_references[1].block_owner_deletion.value_or(false));
  owner.uid = "u2";  // made again under its name
  EXPECT_FALSE(is_controlled_by(meta, owner));
}

}  // namespace
}  // namespace pintle::rules

#include "controller/statefulset/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::statefulset {
namespace {

using namespace testing;

// The set is named "w", its current revision is "a" and its update revision "b", unless a test says otherwise.
StatefulSet set_of(const std::string& spec) {
  StatefulSet set;
  set.metadata.name = "w";
  set.metadata.namespace_ = "default";
  set.metadata.uid = "s";
  set.metadata.generation = 5;
  set.spec = from_yaml<api::apps_v1::StatefulSetSpec>(spec);
  if (set.spec.update_strategy.type.empty()) set.spec.update_strategy.type = "RollingUpdate";
  if (set.spec.update_strategy.type == "RollingUpdate" && !set.spec.update_strategy.rolling_update)
    set.spec.update_strategy.rolling_update.ensure().partition = 0;  // as the API server's default
  return set;
}

// With the labels and volumes of their ordinals; those with the word "label" keep what they say.
std::vector<pods::PodPtr> set_pods_of(const StatefulSet& set, const std::string& text) {
  std::vector<pods::PodPtr> out;
  for (const std::string& one : split(text, ',')) {
    auto pod = pod_of(one);
    if (const auto ordinal = ordinal_of(set, pod.metadata.name); ordinal && one.find("label=") == one.npos) {
      set_identity(set, pod, *ordinal);
      set_storage(set, pod, *ordinal);
    }
    out.push_back(std::make_shared<const Pod>(std::move(pod)));
  }
  return out;
}

Plan plan_of(const StatefulSet& set, const std::string& pods, const std::string& current = "a", const std::string& update = "b") {
  return plan_set({set, set_pods_of(set, pods), current, update, plan_time});
}

// "create(1 2:current) remove(w-3:RecreatingFailedPod) repair(w-0) claims(1) again(20s)"
std::string actions(const Plan& plan) {
  Words out;
  std::vector<std::string> created, removed, claims;
  for (const Creation& creation : plan.create) created.push_back(std::to_string(creation.ordinal) + (creation.current ? ":current" : ""));
  for (const Removal& removal : plan.remove) removed.push_back(removal.pod->metadata.name + (removal.event.empty() ? "" : ":" + removal.event));
  for (const int32_t ordinal : plan.claims) claims.push_back(std::to_string(ordinal));
  out.add("create", created);
  out.add("remove", removed);
  out.add("repair", names_of(plan.repair));
  out.add("claims", claims);
  out.add_seconds("again", plan.look_again);
  return out.text();
}
void check(const std::string& spec, const std::string& pods, const std::string& want) {
  EXPECT_EQ(actions(plan_of(set_of(spec), pods)), want) << spec << " with " << pods;
}

TEST(StatefulSetPlan, OrderedMakesOneAfterTheOther) {
  check("{replicas: 3}", "", "create(0)");
  check("{replicas: 3}", "w-0 pending rev=b", "claims(0)");
  check("{replicas: 3}", "w-0 running rev=b", "");
  check("{replicas: 3}", "w-0 ready rev=b", "create(1)");
  check("{replicas: 3}", "w-0 ready rev=b, w-1 ready rev=b", "create(2)");
  check("{replicas: 3}", "w-0 ready rev=b, w-1 ready rev=b, w-2 ready rev=b", "");
  check("{replicas: 3}", "w-0 ready rev=b, w-2 ready rev=b", "create(1)");  // a gap is filled first
  check("{replicas: 3}", "w-0 ready rev=b deleted", "");                    // its name is taken until it has gone
  check("{}", "", "create(0)");                                             // replicas: one
  check("{replicas: 0}", "", "");
  check("{replicas: 2, minReadySeconds: 30}", "w-0 ready=10 rev=b", "again(20s)");
  check("{replicas: 2, minReadySeconds: 30}", "w-0 ready=30 rev=b", "create(1)");
}

TEST(StatefulSetPlan, ParallelMakesAll) {
  const std::string parallel = "{podManagementPolicy: Parallel, replicas: 3}";
  check(parallel, "", "create(0 1 2)");
  check(parallel, "w-1 pending rev=b", "create(0 2) claims(1)");
  check(parallel, "w-0 ready rev=b deleted, w-2 running rev=b", "create(1)");
}

TEST(StatefulSetPlan, FinishedPodsAreMadeAgain) {
  check("{replicas: 2}", "w-0 failed rev=b, w-1 ready rev=b", "remove(w-0:RecreatingFailedPod)");
  check("{replicas: 2}", "w-0 succeeded rev=b", "remove(w-0:RecreatingTerminatedPod)");
  check("{replicas: 2}", "w-0 failed rev=b deleted", "");
  check("{podManagementPolicy: Parallel, replicas: 2}", "w-0 failed rev=b, w-1 failed rev=b",
        "remove(w-0:RecreatingFailedPod w-1:RecreatingFailedPod)");
}

TEST(StatefulSetPlan, ScalesDownFromTheTop) {
  check("{replicas: 1}", "w-0 ready rev=b, w-1 ready rev=b, w-2 ready rev=b", "remove(w-2)");
  check("{replicas: 1}", "w-0 ready rev=b, w-1 ready rev=b, w-2 ready rev=b deleted", "");  // one at a time
  check("{replicas: 0}", "w-0 ready rev=b", "remove(w-0)");
  check("{replicas: 1}", "w-0 running rev=b, w-1 ready rev=b", "");                              // those that stay are to be well first
  check("{replicas: 1}", "w-0 ready rev=b, w-1 ready rev=b, w-2 running rev=b", "remove(w-2)");  // the one that is not well itself
  check("{replicas: 1}", "w-0 ready rev=b, w-1 running rev=b, w-2 running rev=b", "");           // the lower one stands in its way
  check("{podManagementPolicy: Parallel, replicas: 1}", "w-0 running rev=b, w-1 ready rev=b, w-2 running rev=b", "remove(w-2 w-1)");
  check("{podManagementPolicy: Parallel, replicas: 1}", "w-0 ready rev=b, w-1 ready rev=b, w-2 ready rev=b deleted", "remove(w-1)");
}

TEST(StatefulSetPlan, OrdinalsMayStartElsewhere) {
  check("{replicas: 2, ordinals: {start: 5}}", "", "create(5)");
  check("{replicas: 2, ordinals: {start: 5}}", "w-5 ready rev=b", "create(6)");
  check("{replicas: 2, ordinals: {start: 5}}", "w-0 ready rev=b, w-5 ready rev=b, w-6 ready rev=b", "remove(w-0)");
  check("{podManagementPolicy: Parallel, replicas: 2, ordinals: {start: 1}}", "w-0 ready rev=b, w-1 ready rev=b", "create(2) remove(w-0)");
}

TEST(StatefulSetPlan, PodsOfOtherNamesAreNotCounted) {
  const Plan plan = plan_of(set_of("{replicas: 1}"), "w-0 ready rev=b, w-x ready rev=b, w-01 ready rev=b, other-1 ready rev=b");
  EXPECT_EQ(actions(plan), "");
  EXPECT_EQ(plan.status.replicas, 1);
}

TEST(StatefulSetPlan, RollsFromTheTop) {
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a", "remove(w-2)");
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a deleted", "");
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a", "create(2)");
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 running rev=b", "");
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=b", "remove(w-1)");
  check("{replicas: 3}", "w-0 ready rev=a, w-1 ready rev=b, w-2 ready rev=b", "remove(w-0)");
  check("{replicas: 3}", "w-0 ready rev=b, w-1 ready rev=b, w-2 ready rev=b", "");
  check("{replicas: 3, updateStrategy: {type: OnDelete}}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a", "");
  check("{replicas: 2, minReadySeconds: 30}", "w-0 ready rev=a, w-1 ready=10 rev=b", "again(20s)");
  // Parallel rolls one by one too.
  check("{podManagementPolicy: Parallel, replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a", "remove(w-2)");
  check("{podManagementPolicy: Parallel, replicas: 3}", "w-0 ready rev=a, w-1 ready rev=a, w-2 running rev=b", "");
}

TEST(StatefulSetPlan, Partition) {
  const std::string at_two = "{replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}";
  check(at_two, "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a", "remove(w-2)");
  check(at_two, "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=b", "");
  check(at_two, "w-1 ready rev=a, w-2 ready rev=b", "create(0:current)");  // below it pods come back as they were
  check(at_two, "w-0 ready rev=a, w-1 ready rev=a", "create(2)");
  check("{replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 3}}}", "w-0 ready rev=a, w-1 ready rev=a, w-2 ready rev=a",
        "");
  check("{replicas: 2, ordinals: {start: 5}, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}}",
        "w-5 ready rev=a, w-6 ready rev=a", "remove(w-6)");
  check("{replicas: 2, ordinals: {start: 5}, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}}", "w-6 ready rev=b",
        "create(5:current)");
}

// Sums of start, partition and replicas may be beyond what an ordinal holds.
TEST(StatefulSetPlan, TheHighestNumbers) {
  check("{replicas: 2, ordinals: {start: 1}, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2147483647}}}",
        "w-1 ready rev=a, w-2 ready rev=a", "");
  check("{replicas: 1, ordinals: {start: 2147483647}}", "", "create(2147483647)");
  check("{replicas: 1, ordinals: {start: 2147483647}}", "w-2147483647 ready rev=a", "remove(w-2147483647)");
}

TEST(StatefulSetPlan, IdentityIsRepaired) {
  check("{replicas: 1}", "w-0 ready rev=b label=apps.kubernetes.io/pod-index:0", "repair(w-0)");
  check("{replicas: 1, volumeClaimTemplates: [{metadata: {name: data}}]}", "w-0 ready rev=b", "");
  check("{replicas: 1, volumeClaimTemplates: [{metadata: {name: data}}]}", "w-0 ready rev=b label=x:y", "repair(w-0)");
}

// "replicas ready available current updated"
void check_status(const std::string& spec, const std::string& pods, const std::string& want) {
  const auto status = plan_of(set_of(spec), pods).status;
  Words out;
  for (const int32_t count : {status.replicas, status.ready_replicas, status.available_replicas, status.current_replicas, status.updated_replicas})
    out.add(std::to_string(count));
  EXPECT_EQ(out.text(), want) << spec << " with " << pods;
  EXPECT_EQ(status.observed_generation, 5);
  EXPECT_EQ(status.current_revision + status.update_revision, "ab");
}

TEST(StatefulSetPlan, StatusCounts) {
  check_status("{replicas: 3}", "w-0 ready rev=a, w-1 running rev=a, w-2 ready rev=b", "3 2 2 2 1");
  check_status("{replicas: 3, minReadySeconds: 30}", "w-0 ready=10 rev=b, w-1 ready=40 rev=b", "2 2 1 0 2");
  check_status("{replicas: 1}", "w-0 ready rev=a, w-1 ready rev=a deleted", "2 2 2 1 0");  // one that goes is of no revision
  check_status("{replicas: 1}", "", "0 0 0 0 0");
}

// Replicas wanted, and the status's "replicas ready updated"; whether the roll-out counts as done.
void check_complete(const std::string& spec, int32_t replicas, int32_t ready, int32_t updated, bool want) {
  api::apps_v1::StatefulSetStatus status;
  status.current_revision = "a";
  status.update_revision = "b";
  status.replicas = replicas;
  status.ready_replicas = ready;
  status.updated_replicas = updated;
  complete_rollout(set_of(spec), status);
  EXPECT_EQ(status.current_revision, want ? "b" : "a") << spec << " " << replicas << " " << ready << " " << updated;
  EXPECT_EQ(status.current_replicas, want ? updated : 0);
}

TEST(StatefulSetPlan, TheUpdateRevisionBecomesTheCurrentOne) {
  check_complete("{replicas: 3}", 3, 3, 3, true);
  check_complete("{replicas: 3}", 3, 3, 2, false);
  check_complete("{replicas: 3}", 3, 2, 3, false);
  check_complete("{replicas: 3}", 0, 0, 0, false);  // all of its pods gone and none made: not what is wanted
  check_complete("{replicas: 3}", 2, 2, 2, false);
  check_complete("{replicas: 0}", 0, 0, 0, true);
  check_complete("{replicas: 3, updateStrategy: {type: OnDelete}}", 3, 3, 3, false);
}

TEST(StatefulSetPlan, ADeletedSetDoesNothing) {
  StatefulSet set = set_of("{replicas: 3}");
  set.metadata.deletion_timestamp = ago(0);
  EXPECT_EQ(actions(plan_of(set, "w-0 failed rev=a")), "");
}

}  // namespace
}  // namespace pintle::controller::statefulset

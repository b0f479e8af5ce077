#include "controller/replicaset/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::replicaset {
namespace {

using namespace testing;
using api::apps_v1::ReplicaSet;

ReplicaSet set_of(const std::string& yaml) { return from_yaml<ReplicaSet>(yaml); }

// "create(2)", "remove(a b)"
void check(const std::string& spec, const std::string& pods, const std::string& want, const std::string& related = "") {
  const auto active = pods_of(pods);
  auto all = pods_of(related);
  all.insert(all.end(), active.begin(), active.end());
  const Plan plan = plan_pods(set_of("{spec: " + spec + "}"), active, all, plan_time);
  Words out;
  if (plan.create > 0) out.add("create(" + std::to_string(plan.create) + ")");
  out.add("remove", names_of(plan.remove));
  EXPECT_EQ(out.text(), want) << spec << " with " << pods;
}

TEST(ReplicaSetPlan, AsManyAsWanted) {
  check("{replicas: 3}", "", "create(3)");
  check("{replicas: 3}", "a @n1 ready", "create(2)");
  check("{replicas: 1}", "a @n1 ready", "");
  check("{}", "", "create(1)");
  check("{replicas: 0}", "a @n1 ready, b @n1 ready", "remove(a b)");
  check("{replicas: 100000}", "", "create(500)");  // a burst at a time
}

TEST(ReplicaSetPlan, WhichGoFirst) {
  const auto first = [](const std::string& pods, const std::string& want, const std::string& related = "") {
    check("{replicas: 1}", pods, "remove(" + want + ")", related);
  };
  first("a @n1 ready, b pending", "b");  // not on a node yet
  first("a @n1 running, b @n1 pending", "b");
  first("a @n1 running, b @n1 unknown", "b");
  first("a @n1 ready, b @n1 running", "b");  // not ready
  first("a @n1 ready cost=10, b @n1 ready cost=5", "b");
  first("a @n1 ready cost=-1, b @n1 ready", "a");
  first("a @n1 ready cost=abc, b @n1 ready cost=-1", "b");  // a bad one counts as none
  first("a @n1 ready, b @n2 ready, c @n2 ready", "b c");    // the fuller node, each by the number at the start
  first("a @n1 ready, b @n2 ready", "b", "x @n2 ready");    // also by those of the Deployment's other sets
  first("a @n1 ready=1000, b @n1 ready=10", "b");           // ready for a shorter time
  first("a @n1 ready restarts=1, b @n1 ready restarts=5", "b");
  first("a @n1 ready age=1000, b @n1 ready age=10", "b");
  first("a @n1 ready=1000, b @n1 ready=900", "a");  // about as long: by uid
}

TEST(ReplicaSetPlan, AgesOfWhatGoes) {
  const auto ratios = [](const std::string& active, const std::string& removed) {
    const auto all = pods_of(active);
    std::vector<pods::PodPtr> gone;
    for (const auto& pod : all)
      if (removed.contains(pod->metadata.name)) gone.push_back(pod);
    return deletion_age_ratios(all, gone, plan_time);
  };
  using Ratios = std::vector<double>;
  EXPECT_EQ(ratios("a @n1 ready age=100, b @n1 ready age=250", "b"), Ratios{2});
  EXPECT_EQ(ratios("a @n1 ready age=100, b @n1 ready age=250", "ab"), (Ratios{1, 2}));
  EXPECT_EQ(ratios("a @n1 running age=10, b @n1 ready age=250", "ab"), Ratios{1}) << "pods that are not ready count nowhere";
  EXPECT_EQ(ratios("a @n1 running age=10", "a"), Ratios{});
  EXPECT_EQ(ratios("a @n1 ready age=10", ""), Ratios{});
}

// "replicas labelled ready available terminating" and the condition
void check_status(const std::string& set, const std::string& pods, const std::string& failure, int difference, const std::string& want) {
  const auto active = pods_of(pods);
  StatusInput input{active, 2, std::nullopt, difference, plan_time};
  if (!failure.empty()) input.failure = bad_request(failure).error();
  const auto status = plan_status(set_of(set), input);
  Words out;
  for (const int32_t count :
       {status.replicas, status.fully_labeled_replicas, status.ready_replicas, status.available_replicas, status.terminating_replicas.value_or(-1)})
    out.add(std::to_string(count));
  for (const auto& condition : status.conditions) out.add(condition.type + "=" + condition.reason + ":" + condition.message);
  EXPECT_EQ(out.text(), want) << set << " with " << pods;
  EXPECT_EQ(status.observed_generation, 4);
}

TEST(ReplicaSetPlan, StatusCounts) {
  const std::string set = "{metadata: {generation: 4}, spec: {minReadySeconds: 30, template: {metadata: {labels: {app: web, tier: front}}}}}";
  check_status(set, "", "", 0, "0 0 0 0 2");
  check_status(set, "a ready label=app:web label=tier:front, b ready=10 label=app:web, c running label=app:web label=tier:back", "", 0, "3 1 2 1 2");
}

TEST(ReplicaSetPlan, StatusSaysWhatFailed) {
  const std::string set = "{metadata: {generation: 4}}";
  const std::string failed =
      "{metadata: {generation: 4}, status: {conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: old}]}}";
  check_status(set, "a ready", "no room", -1, "1 1 1 1 2 ReplicaFailure=FailedCreate:no room");
  check_status(set, "a ready", "no room", 1, "1 1 1 1 2 ReplicaFailure=FailedDelete:no room");
  check_status(failed, "a ready", "no room", 1, "1 1 1 1 2 ReplicaFailure=FailedCreate:old");  // the first one stands
  check_status(failed, "a ready", "", 0, "1 1 1 1 2");
}

void check_next(const std::string& pods, std::optional<int> want_seconds) {
  const auto next = next_availability(set_of("{spec: {minReadySeconds: 30}}"), pods_of(pods), plan_time);
  EXPECT_EQ(next ? std::optional<int>(*next / std::chrono::seconds(1)) : std::nullopt, want_seconds) << pods;
}

TEST(ReplicaSetPlan, NextAvailability) {
  check_next("", std::nullopt);
  check_next("a ready=40, b running", std::nullopt);
  check_next("a ready=10, b ready=25, c ready=40", 5);
}

}  // namespace
}  // namespace pintle::controller::replicaset

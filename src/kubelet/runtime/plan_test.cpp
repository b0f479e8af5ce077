#include "kubelet/runtime/plan.h"

#include <gtest/gtest.h>

#include "kubelet/container_config/container_config.h"
#include "kubelet/testing.h"

namespace pintle::kubelet::runtime {
namespace {

using api::core_v1::Pod;
using namespace testing;

using Probes = std::map<std::string, probes::ProbeState>;

// "kill-pod create(1) kill(a0: why) start(a/1) wait(a 10s)"
std::string text_of(const PodPlan& plan) {
  std::string out;
  const auto add = [&out](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  if (plan.kill_pod) add("kill-pod");
  if (plan.create_sandbox) add("create(" + std::to_string(plan.sandbox_attempt) + ")");
  for (const auto& kill : plan.kill) add("kill(" + kill.id + ": " + kill.message + ")");
  for (const auto& start : plan.start) add("start(" + start.name + "/" + std::to_string(start.attempt) + ")");
  for (const auto& one : plan.reset) add(std::string(one.kill ? "end" : "remove") + "(" + one.id + ")");
  for (const auto& wait : plan.wait) add("wait(" + wait.name + " " + std::to_string(wait.delay / std::chrono::seconds(1)) + "s)");
  return out;
}

void check_plan(const Pod& pod, const PodState& state, const std::string& want, const Probes& probes = {},
                const CrashBackoffs& backoffs = CrashBackoffs()) {
  const auto lookup = [&](const std::string& id) {
    const auto found = probes.find(id);
    return found == probes.end() ? probes::ProbeState() : found->second;
  };
  PlanInputs inputs{pod, state, lookup, backoffs, at(200)};
  inputs.restart_all = true;
  EXPECT_EQ(text_of(plan_pod(inputs)), want);
}

Pod plain(const std::string& policy) {
  return pod_of("{spec: {restartPolicy: " + policy + ", containers: [{name: a, image: x}, {name: b, image: x}]}}");
}

TEST(Plan, APodBeginsWithItsSandbox) {
  check_plan(plain("Always"), PodState(), "create(0)");
  check_plan(plain("Always"), state_of({}), "start(a/0) start(b/0)");
  check_plan(plain("Always"), state_of({running("a")}), "start(b/0)");
  check_plan(plain("Always"), state_of({running("a"), running("b")}), "");
}

TEST(Plan, EndedContainersByPolicy) {
  const auto failed = state_of({exited("a", 1), running("b")});
  check_plan(plain("Always"), failed, "start(a/1)");
  check_plan(plain("OnFailure"), failed, "start(a/1)");
  check_plan(plain("Never"), failed, "");
  const auto done = state_of({exited("a", 0), running("b")});
  check_plan(plain("Always"), done, "start(a/1)");
  check_plan(plain("OnFailure"), done, "");
  check_plan(plain("Never"), state_of({exited("a", 1), exited("b", 0)}), "kill-pod");
  check_plan(plain("OnFailure"), state_of({exited("a", 0), exited("b", 0)}), "kill-pod");
}

TEST(Plan, RestartRulesByExitCode) {
  const auto pod = pod_of(R"({spec: {restartPolicy: Never, containers: [{name: a, image: x, restartPolicy: Never,
    restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]}]}})");
  check_plan(pod, state_of({exited("a", 42)}), "start(a/1)");
  check_plan(pod, state_of({exited("a", 1)}), "kill-pod");
}

TEST(Plan, AllContainersBeginAnew) {
  const std::string rule = "restartPolicy: Never, restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [42]}}]";
  auto pod = pod_of(
      "{spec: {restartPolicy: Never, initContainers: [{name: i, image: x}, {name: s, image: x, restartPolicy: Always}], "
      "containers: [{name: a, image: x, " +
      rule + "}, {name: b, image: x}, {name: c, image: x}]}}");
  auto state = state_of({exited("i", 0), running("s"), exited("a", 42), running("b"), exited("c", 1)});
  const std::string all = "end(b0) remove(c0) remove(i0) end(s0) remove(a0)";
  check_plan(pod, state, all);
  // Interrupted: what is left, and who began last; then the whole pod from its first container.
  check_plan(pod, state_of({running("s"), exited("a", 42)}), "end(s0) remove(a0)");
  check_plan(pod, state_of({exited("a", 42)}), "remove(a0)");
  check_plan(pod, state_of({}), "start(i/0)");
  // It comes before a new sandbox, and before an end by the pod's policy.
  state.sandboxes[0].ready = false;
  check_plan(pod, state, all);
  check_plan(pod, state_of({exited("i", 0), exited("a", 42), exited("b", 0), exited("c", 0)}), "remove(b0) remove(c0) remove(i0) remove(a0)");
  // Another code, an older container of the name, a pod that is being deleted.
  check_plan(pod, state_of({exited("i", 0), running("s"), exited("a", 1), running("b"), running("c")}), "");
  check_plan(pod, state_of({running("a", 1), running("b"), running("c"), running("s"), exited("a", 42), exited("i", 0)}), "");
  CrashBackoffs backoffs;
  backoffs.next(CrashBackoffs::key("a", container_config::container_hash(pod.spec.containers[0])), at(195));
  state = state_of({exited("i", 0), running("s"), exited("a", 42), running("b"), exited("c", 1)});
  state.containers[2].finished_at = at(196);
  check_plan(pod, state, "wait(a 10s)", {}, backoffs);
  pod.metadata.deletion_timestamp = api::time_from_unix(1, 0);
  check_plan(pod, state_of({exited("i", 0), running("s"), exited("a", 42), running("b"), running("c")}), "");
}

TEST(Plan, AStatusThatWaitsIsCountedAlready) {
  auto pod = pod_of("{spec: {restartPolicy: Always, containers: [{name: a, image: x}, {name: b, image: x}, {name: c, image: x}]}}");
  const auto say = [&](const std::string& name, const std::string& id, int32_t count) {
    auto& status = pod.status.container_statuses.emplace_back();
    status.name = name;
    status.container_id = id;
    status.restart_count = count;
  };
  say("a", "containerd://x", 3);
  say("b", "", 3);
  say("c", "", 0);
  check_plan(pod, state_of({}), "start(a/4) start(b/3) start(c/0)");
}

TEST(Plan, ASandboxThatIsGoneIsMadeAgain) {
  auto state = state_of({exited("a", 137), exited("b", 137)});
  state.sandboxes[0].ready = false;
  check_plan(plain("Always"), state, "kill-pod create(1)");
  check_plan(plain("Never"), state, "");
  state.sandboxes[0].ready = true;
  state.sandboxes[0].ips.clear();
  check_plan(plain("Always"), state, "kill-pod create(1)");
  state.sandboxes[0].ready = false;
  state.containers = {exited("a", 0), exited("b", 0)};
  check_plan(plain("OnFailure"), state, "");
}

TEST(Plan, CrashLoopsWait) {
  CrashBackoffs backoffs;
  const auto pod = plain("Always");
  backoffs.next(CrashBackoffs::key("a", container_config::container_hash(pod.spec.containers[0])), at(195));
  auto state = state_of({exited("a", 1, 1), running("b")});
  state.containers[0].finished_at = at(196);
  check_plan(pod, state, "wait(a 10s)", {}, backoffs);
  state.containers[0].finished_at = at(190);
  check_plan(pod, state, "start(a/2)", {}, backoffs);
}

TEST(Plan, ProbesAndChangesKill) {
  const auto state = state_of({running("a"), running("b")});
  probes::ProbeState dead;
  dead.liveness = probes::ProbeOutcome::Failure;
  check_plan(plain("Always"), state, "kill(a0: Container a failed liveness probe, will be restarted) start(a/1)", {{"a0", dead}});
  check_plan(plain("Never"), state, "kill(a0: Container a failed liveness probe)", {{"a0", dead}});
  probes::ProbeState stuck;
  stuck.startup = probes::ProbeOutcome::Failure;
  check_plan(plain("Always"), state, "kill(b0: Container b failed startup probe, will be restarted) start(b/1)", {{"b0", stuck}});
  auto changed = state;
  changed.containers[0].hash = "other";
  check_plan(plain("Never"), changed, "kill(a0: Container a definition changed, will be restarted) start(a/1)");
}

TEST(Plan, InitContainersInTurn) {
  const auto pod =
      pod_of("{spec: {restartPolicy: Always, initContainers: [{name: i, image: x}, {name: j, image: x}], containers: [{name: a, image: x}]}}");
  check_plan(pod, state_of({}), "start(i/0)");
  check_plan(pod, state_of({running("i")}), "");
  check_plan(pod, state_of({exited("i", 1)}), "start(i/1)");
  check_plan(pod, state_of({exited("i", 0)}), "start(j/0)");
  check_plan(pod, state_of({exited("j", 0), exited("i", 0)}), "start(a/0)");
  check_plan(pod, state_of({exited("j", 0)}), "start(a/0)");  // i was cleared away
  check_plan(pod, state_of({running("a")}), "");
  auto never = pod;
  never.spec.restart_policy = "Never";
  check_plan(never, state_of({exited("i", 1)}), "kill-pod");
  auto anew = state_of({exited("a", 1, 0, "s0"), exited("j", 0, 0, "s0"), exited("i", 0, 0, "s0")});
  check_plan(pod, anew, "start(i/1)");
}

TEST(Plan, Sidecars) {
  const auto pod =
      pod_of(R"({spec: {restartPolicy: OnFailure, initContainers: [{name: s, image: x, restartPolicy: Always, startupProbe: {}}, {name: i, image: x}],
    containers: [{name: a, image: x}]}})");
  probes::ProbeState up;
  up.startup = probes::ProbeOutcome::Success;
  check_plan(pod, state_of({}), "start(s/0)");
  check_plan(pod, state_of({running("s")}), "");
  check_plan(pod, state_of({running("s")}), "start(i/0)", {{"s0", up}});
  check_plan(pod, state_of({exited("i", 0), running("s")}), "start(a/0)", {{"s0", up}});
  check_plan(pod, state_of({running("a"), exited("i", 0), exited("s", 0)}), "start(s/1)");
  check_plan(pod, state_of({exited("a", 0), exited("i", 0), running("s")}), "kill-pod", {{"s0", up}});
}

TEST(Plan, EphemeralContainersStartOnce) {
  const auto pod = pod_of("{spec: {containers: [{name: a, image: x}], ephemeralContainers: [{name: e, image: x}]}}");
  check_plan(pod, state_of({running("a")}), "start(e/0)");
  check_plan(pod, state_of({exited("e", 1), running("a")}), "");
}

TEST(Plan, ACountThatTheRuntimeForgotGoesOn) {
  const auto pod =
      pod_of("{spec: {containers: [{name: a, image: x}]}, status: {containerStatuses: [{name: a, containerID: 'containerd://z', restartCount: 4}]}}");
  check_plan(pod, state_of({}), "start(a/5)");
}

TEST(KillOrder, SidecarsLastAndBackwards) {
  const auto pod = pod_of(
      "{spec: {initContainers: [{name: s, image: x, restartPolicy: Always}, {name: t, image: x, restartPolicy: Always}], containers: [{name: a, "
      "image: x}, {name: b, image: x}]}}");
  const auto order = kill_order(pod, state_of({running("a"), exited("b", 0), running("s"), running("t")}));
  EXPECT_EQ(order, (std::vector<std::vector<std::string>>{{"a0"}, {"t0"}, {"s0"}}));
  EXPECT_TRUE(kill_order(pod, state_of({exited("a", 0)})).empty());
  RuntimeContainer made = running("a");
  made.phase = ContainerPhase::Created;
  EXPECT_TRUE(kill_order(pod, state_of({made})).empty());
}

TEST(CrashBackoffs, DoublesUpToItsMaximumAndForgets) {
  CrashBackoffs backoffs;
  EXPECT_FALSE(backoffs.waiting("k", at(0), at(1)));
  int64_t now = 0;
  for (const int64_t want : {10, 20, 40, 80, 160, 300, 300}) {
    backoffs.next("k", at(now));
    const auto wait = backoffs.waiting("k", at(now + 1), at(now + 2));
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->delay, std::chrono::seconds(want));
    EXPECT_EQ(wait->until, at(now + 1 + want));
    EXPECT_FALSE(backoffs.waiting("k", at(now + 1), at(now + 1 + want)));
    now += want + 1;
  }
  EXPECT_FALSE(backoffs.waiting("k", at(now + 700), at(now + 701)));
  backoffs.next("k", at(now + 700));
  EXPECT_EQ(backoffs.waiting("k", at(now + 700), at(now + 701))->delay, std::chrono::seconds(10));
}

}  // namespace
}  // namespace pintle::kubelet::runtime

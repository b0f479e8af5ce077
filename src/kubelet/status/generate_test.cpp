#include "kubelet/status/generate.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "kubelet/status/conditions.h"
#include "kubelet/status/status_manager.h"
#include "kubelet/testing.h"
#include "rules/conditions.h"

namespace pintle::kubelet::status {
namespace {

using namespace api::core_v1;
using namespace testing;

struct Case {
  Pod pod;
  PodState state;
  std::map<std::string, WaitingReason, std::less<>> waiting;
  std::map<std::string, probes::ProbeState> probes;
  bool terminating = false;
  bool terminated = false;
  std::string failed_reason;
};

PodStatus status_of(const Case& in) {
  StatusInputs inputs{in.pod, in.pod.status, in.state, [&](const std::string& id) {
                        const auto found = in.probes.find(id);
                        return found == in.probes.end() ? probes::ProbeState() : found->second;
                      }};
  inputs.waiting = in.waiting;
  inputs.node_ips = {"192.0.2.1"};
  inputs.terminating = in.terminating;
  inputs.terminated = in.terminated;
  inputs.failed_reason = in.failed_reason;
  inputs.now = at(1000);
  return generate_status(inputs);
}

std::string condition_text(const PodStatus& status, std::string_view type) {
  const auto* condition = rules::find_condition(status.conditions, type);
  return condition ? condition->status + (condition->reason.empty() ? "" : " " + condition->reason) +
                         (condition->message.empty() ? "" : ": " + condition->message)
                   : "none";
}

Pod plain(const std::string& policy) { return pod_of("{spec: {restartPolicy: " + policy + ", containers: [{name: a, image: x}]}}"); }

TEST(Status, OfAPodWhoseContainersBeginAnew) {
  Pod pod = pod_of(R"({metadata: {generation: 1}, spec: {restartPolicy: Never, initContainers: [{name: i, image: x}], containers: [{name: a, image: x,
    restartPolicy: Never, restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [42]}}]}, {name: b, image: x}]}})");
  const auto generate = [&](const PodState& state, bool restarts_all, bool restarted_all) {
    StatusInputs inputs{pod, pod.status, state, [](const std::string&) { return probes::ProbeState(); }};
    inputs.restarts_all = restarts_all;
    inputs.restarted_all = restarted_all;
    if (restarts_all) inputs.waiting = {{"a", {"CrashLoopBackOff", "back-off"}}};
    inputs.now = at(1000);
    pod.status = generate_status(inputs);
    return pod.status;
  };
  generate(state_of({exited("i", 0), running("a", 2), running("b")}), false, false);
  EXPECT_EQ(condition_text(pod.status, "AllContainersRestarting"), "False");
  generate(state_of({exited("i", 0), exited("a", 42, 2), running("b")}), true, false);
  EXPECT_EQ(condition_text(pod.status, "AllContainersRestarting"), "True RestartAllContainersStarted: container exited with restart policy rule");
  EXPECT_EQ(pod.status.phase, "Running");
  for (const bool restarted : {true, false}) {
    const PodStatus gone = generate(state_of({}), false, restarted);
    EXPECT_EQ(condition_text(gone, "AllContainersRestarting"), "False");
    EXPECT_EQ(condition_text(gone, "Initialized"), "True");
    EXPECT_EQ(gone.phase, "Running");
    EXPECT_EQ(gone.container_statuses[0].restart_count, 3);
    EXPECT_EQ(gone.container_statuses[1].restart_count, 1);
    EXPECT_EQ(gone.init_container_statuses[0].restart_count, 1);
    for (const auto* status : {&gone.container_statuses[0], &gone.container_statuses[1], &gone.init_container_statuses[0]}) {
      ASSERT_TRUE(status->state.waiting) << status->name;
      EXPECT_EQ(status->last_state.terminated->reason, "RestartingAllContainers");
      EXPECT_EQ(status->last_state.terminated->exit_code, 137);
      EXPECT_TRUE(status->container_id.empty());
    }
  }
  const PodStatus again = generate(state_of({running("i", 1)}), false, false);
  EXPECT_EQ(again.phase, "Running");
  EXPECT_EQ(again.init_container_statuses[0].restart_count, 1);
  EXPECT_EQ(again.init_container_statuses[0].last_state.terminated->reason, "RestartingAllContainers");
}

TEST(Status, OfAPodThatBegins) {
  const auto status = status_of({plain("Always"), PodState()});
  EXPECT_EQ(status.phase, "Pending");
  EXPECT_EQ(status.container_statuses[0].state.waiting->reason, "ContainerCreating");
  EXPECT_EQ(condition_text(status, "PodReadyToStartContainers"), "False");
  EXPECT_EQ(condition_text(status, "Initialized"), "True");
  EXPECT_EQ(condition_text(status, "Ready"), "False ContainersNotReady: containers with unready status: [a]");
  EXPECT_EQ(status.host_ip, "192.0.2.1");
  EXPECT_TRUE(status.pod_ips.empty());
  EXPECT_EQ(status.start_time->seconds, 1000);
  EXPECT_EQ(status.qos_class, "BestEffort");
  EXPECT_TRUE(status.resources && status.resources->requests.empty()) << "said even where nothing is asked for";
}

TEST(Status, OfAPodThatRuns) {
  const auto status = status_of({plain("Always"), state_of({running("a", 1), exited("a", 3)})});
  EXPECT_EQ(status.phase, "Running");
  const auto& a = status.container_statuses[0];
  EXPECT_TRUE(a.ready && *a.started);
  EXPECT_EQ(a.restart_count, 1);
  EXPECT_EQ(a.container_id, "containerd://a1");
  EXPECT_EQ(a.last_state.terminated->exit_code, 3);
  EXPECT_EQ(a.last_state.terminated->reason, "Error");
  EXPECT_EQ(status.pod_ip, "10.0.0.2");
  EXPECT_EQ(condition_text(status, "Ready"), "True");
}

TEST(Status, IdsNameTheRuntime) {
  Case in{plain("Always"), state_of({exited("a", 1, 1), exited("a", 3)})};
  in.state.runtime_name = "cri-o";
  const auto status = status_of(in);
  const auto& a = status.container_statuses[0];
  EXPECT_EQ(a.container_id, "cri-o://a1");
  EXPECT_EQ(a.state.terminated->container_id, "cri-o://a1");
  EXPECT_EQ(a.last_state.terminated->container_id, "cri-o://a0");
}

TEST(Status, AsWhomItsProcessRuns) {
  Case in{plain("Always"), state_of({running("a")})};
  EXPECT_FALSE(status_of(in).container_statuses[0].user) << "the runtime does not say";
  in.state.containers[0].user = {1000, 3000, {3000, 4000}};
  const auto status = status_of(in);
  ASSERT_TRUE(status.container_statuses[0].user && status.container_statuses[0].user->linux);
  const auto& user = *status.container_statuses[0].user->linux;
  EXPECT_EQ(user.uid, 1000);
  EXPECT_EQ(user.gid, 3000);
  EXPECT_EQ(user.supplemental_groups, (std::vector<int64_t>{3000, 4000}));
}

TEST(Status, ACrashLoopShowsWhyItWaits) {
  Case in{plain("Always"), state_of({exited("a", 1, 2)})};
  in.waiting["a"] = {"CrashLoopBackOff", "back-off"};
  const auto status = status_of(in);
  const auto& a = status.container_statuses[0];
  EXPECT_EQ(a.state.waiting->reason, "CrashLoopBackOff");
  EXPECT_EQ(a.last_state.terminated->exit_code, 1);
  EXPECT_EQ(status.phase, "Running");
}

TEST(Status, AnEndIsToldWhenAllHasStopped) {
  Case in{plain("Never"), state_of({exited("a", 0)})};
  EXPECT_EQ(status_of(in).phase, "Running");
  in.terminated = true;
  EXPECT_EQ(status_of(in).phase, "Succeeded");
  EXPECT_EQ(condition_text(status_of(in), "Ready"), "False PodCompleted");
  EXPECT_EQ(condition_text(status_of(in), "Initialized"), "True PodCompleted");
  in.state = state_of({exited("a", 9)});
  EXPECT_EQ(status_of(in).phase, "Failed");
  EXPECT_EQ(condition_text(status_of(in), "ContainersReady"), "False PodFailed");
  in.failed_reason = "Evicted";
  EXPECT_EQ(status_of(in).reason, "Evicted");
  in.state = state_of({});
  in.failed_reason = "";
  EXPECT_EQ(status_of(in).phase, "Failed");
}

TEST(Status, ATerminalPhaseStays) {
  Case in{plain("Never"), PodState()};
  in.pod.status.phase = "Succeeded";
  in.pod.status.container_statuses.push_back({});
  auto& old = in.pod.status.container_statuses[0];
  old.name = "a";
  old.state.terminated.emplace().reason = "Completed";
  in.terminated = true;
  const auto status = status_of(in);
  EXPECT_EQ(status.phase, "Succeeded");
  EXPECT_EQ(status.container_statuses[0].state.terminated->reason, "Completed");
}

TEST(Status, InitContainers) {
  Case in{pod_of("{spec: {restartPolicy: Always, initContainers: [{name: i, image: x}, {name: s, image: x, restartPolicy: Always}], containers: "
                 "[{name: a, image: x}]}}"),
          state_of({running("i")})};
  auto status = status_of(in);
  EXPECT_EQ(status.phase, "Pending");
  EXPECT_EQ(status.container_statuses[0].state.waiting->reason, "PodInitializing");
  EXPECT_EQ(condition_text(status, "Initialized"), "False ContainersNotInitialized: containers with incomplete status: [i s]");
  in.state = state_of({running("s"), exited("i", 0)});
  status = status_of(in);
  EXPECT_TRUE(status.init_container_statuses[0].ready && status.init_container_statuses[1].ready);
  EXPECT_EQ(condition_text(status, "Initialized"), "True");
  EXPECT_EQ(status.phase, "Pending");
}

TEST(Status, ReadinessNeedsProbesAndGates) {
  Case in{pod_of("{metadata: {generation: 3}, spec: {readinessGates: [{conditionType: example.com/lb}], containers: [{name: a, image: x, "
                 "readinessProbe: {}}]}}"),
          state_of({running("a")})};
  EXPECT_EQ(condition_text(status_of(in), "ContainersReady"), "False ContainersNotReady: containers with unready status: [a]");
  probes::ProbeState ok;
  ok.readiness = probes::ProbeOutcome::Success;
  in.probes["a0"] = ok;
  EXPECT_EQ(condition_text(status_of(in), "ContainersReady"), "True");
  EXPECT_EQ(condition_text(status_of(in), "Ready"),
            "False ReadinessGatesNotReady: corresponding condition of pod readiness gate \"example.com/lb\" does not exist.");
  PodCondition gate;
  gate.type = "example.com/lb";
  gate.status = "False";
  in.pod.status.conditions.push_back(gate);
  EXPECT_EQ(condition_text(status_of(in), "Ready"),
            "False ReadinessGatesNotReady: the status of pod readiness gate \"example.com/lb\" is not \"True\", but False");
  in.pod.status.conditions[0].status = "True";
  EXPECT_EQ(condition_text(status_of(in), "Ready"), "True");
  EXPECT_EQ(status_of(in).observed_generation, 3);
}

TEST(Status, AContainerThatTheRuntimeLost) {
  Case in{plain("Always"), state_of({})};
  auto& old = in.pod.status.container_statuses.emplace_back();
  old.name = "a";
  old.restart_count = 2;
  old.state.running.emplace();
  auto status = status_of(in);
  EXPECT_EQ(status.container_statuses[0].last_state.terminated->reason, "ContainerStatusUnknown");
  EXPECT_EQ(status.container_statuses[0].restart_count, 3);
  in.terminated = true;
  status = status_of(in);
  EXPECT_EQ(status.container_statuses[0].state.terminated->exit_code, 137);
}

TEST(Status, HostNetworkHasTheNodesAddress) {
  Case in{pod_of("{spec: {hostNetwork: true, containers: [{name: a, image: x}]}}"), state_of({running("a")})};
  EXPECT_EQ(status_of(in).pod_ip, "192.0.2.1");
}

TEST(StatusPatch, SaysOnlyWhatChanged) {
  const Case in{plain("Always"), state_of({running("a")})};
  const PodStatus before = status_of(in);
  EXPECT_EQ(status_patch("u1", before, before), "");
  PodStatus after = before;
  after.phase = "Failed";
  after.conditions[2].status = "False";
  after.conditions[2].reason = "PodFailed";
  after.pod_ips = {{"10.0.0.9"}};
  after.start_time.reset();
  EXPECT_EQ(
      status_patch("u1", before, after),
      R"({"metadata":{"uid":"u1"},"status":{"conditions":[{"lastProbeTime":null,"lastTransitionTime":"1970-01-01T00:16:40Z","reason":"PodFailed","status":"False","type":"Ready"}],)"
      R"("phase":"Failed","podIPs":[{"ip":"10.0.0.9"},{"$patch":"replace"}],"startTime":null}})");
}

TEST(StatusPatch, DropsConditionsThatEnded) {
  PodStatus before;
  before.conditions.emplace_back().type = "PodResizePending";
  before.conditions.emplace_back().type = "Ready";
  PodStatus after = before;
  after.conditions.erase(after.conditions.begin());
  EXPECT_EQ(status_patch("u1", before, after),
            R"({"metadata":{"uid":"u1"},"status":{"conditions":[{"$patch":"delete","type":"PodResizePending"}]}})");
}

TEST(StatusPatch, LeavesConditionsOfOthersAlone) {
  PodStatus before;
  PodCondition other;
  other.type = "example.com/lb";
  other.status = "True";
  before.conditions.push_back(other);
  PodStatus after = before;
  after.conditions[0].status = "False";
  EXPECT_EQ(status_patch("u1", before, after), "");
}

}  // namespace
}  // namespace pintle::kubelet::status

#include "kubelet/pods/pod_workers.h"

#include <stdlib.h>

#include <fstream>

#include "cri/typed_call.h"
#include "kubelet/container_config/container_config.h"
#include "kubelet/node/runtime_observer.h"
#include "kubelet/pods/testing.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/testing.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/waiting_reason.h"
#include "net/grpc/server.h"
#include "os/path.h"
#include "os/read_file.h"
#include "rt/testing.h"

namespace pintle::kubelet::pods {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using api::core_v1::Pod;
namespace cri_v1 = api::cri_v1;

// "name cpu age": of a pod that is new; with a phase after them, of one that was here before.
PodPtr pod_ptr(const std::string& uid, const std::string& name, const std::string& cpu, int64_t created, const std::string& phase = "") {
  auto out = std::make_shared<Pod>(pod_of("{metadata: {name: " + name + ", namespace: default, uid: " + uid +
                                          ", annotations: {kubernetes.io/config.source: api}}, "
                                          "spec: {containers: [{name: c, image: x, resources: {requests: {cpu: '" +
                                          cpu + "'}}}]}}"));
  out->metadata.creation_timestamp = api::time_from_unix(created, 0);
  if (!phase.empty()) {
    out->status.phase = phase;
    out->status.start_time = api::time_from_unix(created, 0);
  }
  return out;
}

// Who was judged, in order, with the millicores that others had then; '!': refused, as two cores are not enough.
rt::Task<void> check_admission(std::vector<PodPtr> all, std::string expected) {
  PodParts parts(rt::Executor::current().runtime());
  PodWorkers workers(parts.deps(), parts.config);
  std::string judged;
  workers.set_admission([&](const Pod& pod) -> std::optional<WaitingReason> {
    int64_t used = 0;
    for (const Pod* other : workers.active(pod.metadata.uid)) used += resources::resource_milli_value(rules::pod_requests(other->spec), "cpu");
    const bool fits = used + resources::resource_milli_value(rules::pod_requests(pod.spec), "cpu") <= 2000;
    judged += pod.metadata.name + ":" + std::to_string(used) + (fits ? " " : "! ");
    return fits ? std::nullopt : std::optional(WaitingReason{"OutOfcpu", "too little"});
  });
  parts.config.set("api", std::move(all));
  EXPECT_EQ(judged, expected);
  co_await workers.stop();
  co_await parts.close();
}

// The weight of the class Burstable follows the pods that are there, in the files of version 2.
rt::Task<void> weigh_burstable(std::string root) {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  const auto weight = [&] { return os::read_file(root + "/kubepods/burstable/cpu.weight").value_or(""); };
  PodParts parts(runtime);
  auto tree = os::make_cgroups_v2(root);
  cgroups::PodCgroups cgroups(*tree, {});
  PodWorkerDeps deps = parts.deps();
  deps.cgroups = &cgroups;
  PodWorkers workers(std::move(deps), parts.config);
  parts.config.set("api", {pod_ptr("u1", "a", "1", 1), pod_ptr("u2", "b", "500m", 2)});
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(weight(), std::to_string(os::cpu_weight_of_shares(1536)));
  parts.config.set("api", {pod_ptr("u1", "a", "1", 1), pod_ptr("u2", "b", "500m", 2, "Succeeded")});
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  EXPECT_EQ(weight(), std::to_string(os::cpu_weight_of_shares(1024)));
  co_await workers.stop();
  co_await parts.close();
}

TEST(PodWorkers, BurstablePodsWeighWhatTheyAskForTogether) {
  std::string root = ::testing::TempDir() + "pintle-weights-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  ASSERT_TRUE(os::make_directories(root + "/kubepods/burstable", 0755));
  std::ofstream(root + "/cgroup.controllers") << "cpu\n";
  std::ofstream(root + "/kubepods/burstable/cpu.weight") << "100\n";
  rt::testing::run_sim(weigh_burstable(root));
  EXPECT_TRUE(os::remove_tree(root));
}

TEST(PodWorkers, WhatOthersHaveWhenAPodIsJudged) {
  const auto check = [](std::vector<PodPtr> all, std::string expected) {
    rt::testing::run_sim(check_admission(std::move(all), std::move(expected)));
  };
  check({pod_ptr("u1", "second", "1", 2), pod_ptr("u2", "first", "1500m", 1), pod_ptr("u3", "third", "500m", 3)}, "first:0 second:1500! third:1500 ");
  check({pod_ptr("u1", "ended", "2", 1, "Succeeded"), pod_ptr("u2", "new", "1", 2)}, "new:0 ");
  check({pod_ptr("u1", "older", "1", 1), pod_ptr("u2", "runs", "1500m", 2, "Running")}, "older:1500! ");
}

const std::string runtime_service = "/runtime.v1.RuntimeService/";

rt::Task<Result<std::string>> say(std::string bytes) { co_return std::move(bytes); }
template <class Answer>
auto answer(const Answer& what) {
  return [bytes = cri::encode(what)](rt::Context, std::string) { return say(bytes); };
}

// A runtime with one container of the pod, which runs or has ended, as its sandbox.
void play_runtime(net::grpc::Server& server, const Pod& pod, bool runs) {
  const auto sandbox_state = runs ? cri_v1::PodSandboxState::Ready : cri_v1::PodSandboxState::NotReady;
  const auto container_state = runs ? cri_v1::ContainerState::Running : cri_v1::ContainerState::Exited;
  cri_v1::VersionResponse version;
  version.runtime_name = "cri-o";
  server.on(runtime_service + "Version", answer(version));
  cri_v1::ListPodSandboxResponse sandboxes;
  sandboxes.items.emplace_back().id = "s1";
  sandboxes.items[0].state = sandbox_state;
  server.on(runtime_service + "ListPodSandbox", answer(sandboxes));
  cri_v1::PodSandboxStatusResponse sandbox;
  sandbox.status.emplace().id = "s1";
  sandbox.status->state = sandbox_state;
  server.on(runtime_service + "PodSandboxStatus", answer(sandbox));
  cri_v1::ListContainersResponse containers;
  auto& container = containers.containers.emplace_back();
  container.id = "c1";
  container.pod_sandbox_id = "s1";
  container.state = container_state;
  container.labels[container_config::labels::container_name] = "c";
  container.annotations[container_config::labels::container_hash] = container_config::container_hash(pod.spec.containers[0]);
  server.on(runtime_service + "ListContainers", answer(containers));
  cri_v1::ContainerStatusResponse status;
  status.status.emplace().id = "c1";
  status.status->state = container_state;
  server.on(runtime_service + "ContainerStatus", answer(status));
}

rt::Task<void> ids_name_the_runtime() {
  PodParts parts(rt::Executor::current().runtime());
  auto pod = std::make_shared<Pod>(*pod_ptr("u1", "a", "1", 1));
  pod->spec.restart_policy = "Never";
  net::grpc::Server server(parts.runtime);
  play_runtime(server, *pod, false);
  EXPECT_TRUE(server.start(runtime_path));
  node::CriObserver observer(*parts.cri);
  PodWorkerDeps deps = parts.deps();
  deps.runtime_name = [&observer](rt::Context ctx) { return observer.runtime_name(std::move(ctx)); };
  PodWorkers workers(std::move(deps), parts.config);
  parts.config.set("api", {pod});
  (void)co_await rt::sleep_for(rt::Context::background(), 5s);
  const auto* status = parts.statuses.get("u1");
  EXPECT_TRUE(status && status->container_statuses.size() == 1);
  if (status && !status->container_statuses.empty()) {
    EXPECT_EQ(status->container_statuses[0].container_id, "cri-o://c1");
  }
  co_await workers.stop();
  co_await parts.close();
  co_await server.stop();
}
TEST(PodWorkers, IdsNameTheRuntime) { rt::testing::run_sim(ids_name_the_runtime()); }

rt::Task<Result<std::string>> refuse(int& calls) {
  ++calls;
  co_return error(Reason::InternalError, "the container does not stop");
}

// A runtime that cannot stop a container is not asked without a pause.
rt::Task<void> kills_that_fail_wait() {
  PodParts parts(rt::Executor::current().runtime());
  auto pod = std::make_shared<Pod>(*pod_ptr("u1", "a", "1", 1));
  pod->metadata.deletion_timestamp = api::time_from_unix(2, 0);
  net::grpc::Server server(parts.runtime);
  play_runtime(server, *pod, true);
  int kills = 0;
  server.on(runtime_service + "StopContainer", [&](rt::Context, std::string) { return refuse(kills); });
  EXPECT_TRUE(server.start(runtime_path));
  PodWorkers workers(parts.deps(), parts.config);
  parts.config.set("api", {pod});
  (void)co_await rt::sleep_for(rt::Context::background(), 9s);
  EXPECT_EQ(kills, 5);  // at 0, 2, 4, 6 and 8 seconds
  co_await workers.stop();
  co_await parts.close();
  co_await server.stop();
}
TEST(PodWorkers, KillsThatFailWait) { rt::testing::run_sim(kills_that_fail_wait()); }

// A busy runtime may say long after its event that a container has ended; nothing else tells of it then.
rt::Task<void> ends_that_lag_are_seen() {
  PodParts parts(rt::Executor::current().runtime());
  auto pod = std::make_shared<Pod>(*pod_ptr("u1", "a", "1", 1, "Running"));
  pod->spec.restart_policy = "Never";
  net::grpc::Server server(parts.runtime);
  play_runtime(server, *pod, true);
  EXPECT_TRUE(server.start(runtime_path));
  PodWorkers workers(parts.deps(), parts.config);
  const auto phase = [&] {
    const auto* status = parts.statuses.get("u1");
    return status ? status->phase : "";
  };
  parts.config.set("api", {pod});
  (void)co_await rt::sleep_for(rt::Context::background(), 1s);
  cri::ContainerEvent event;
  event.kind = cri::ContainerEvent::Kind::Stopped;
  event.container_id = "c1";
  event.may_lag = true;
  workers.container_event(event);
  (void)co_await rt::sleep_for(rt::Context::background(), 90s);
  EXPECT_EQ(phase(), "Running");
  play_runtime(server, *pod, false);
  (void)co_await rt::sleep_for(rt::Context::background(), 6s);
  EXPECT_EQ(phase(), "Succeeded");
  co_await workers.stop();
  co_await parts.close();
  co_await server.stop();
}
TEST(PodWorkers, EndsThatLagAreSeen) { rt::testing::run_sim(ends_that_lag_are_seen()); }

// A pod that was deleted by force may run for a while yet: whoever was given its room is let in.
rt::Task<void> force_deleted_pods_give_their_room() {
  PodParts parts(rt::Executor::current().runtime());
  PodWorkers workers(parts.deps(), parts.config);
  std::map<std::string, std::size_t> others;
  workers.set_admission([&](const Pod& pod) -> std::optional<WaitingReason> {
    others[pod.metadata.name] = workers.active(pod.metadata.uid).size();
    return WaitingReason{"OutOfcpu", "too little"};
  });
  auto ending = std::make_shared<Pod>(*pod_ptr("u1", "old", "2", 1, "Running"));
  ending->metadata.deletion_timestamp = api::time_from_unix(90, 0);
  parts.config.set("api", {ending, pod_ptr("u2", "early", "1", 2)});
  parts.config.set("api", {pod_ptr("u3", "late", "1", 3)});
  EXPECT_EQ(others, (std::map<std::string, std::size_t>{{"early", 1}, {"late", 0}}));
  EXPECT_TRUE(workers.find("u1"));
  co_await workers.stop();
  co_await parts.close();
}
TEST(PodWorkers, ForceDeletedPodsGiveTheirRoom) { rt::testing::run_sim(force_deleted_pods_give_their_room()); }

}  // namespace
}  // namespace pintle::kubelet::pods

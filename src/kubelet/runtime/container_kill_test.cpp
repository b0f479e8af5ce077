#include "kubelet/pods/testing.h"
#include "kubelet/testing.h"
#include "kubelet/types/pod_state.h"
#include "rt/testing.h"

namespace pintle::kubelet::runtime {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using api::core_v1::Pod;

// The status in the API is empty for a static pod, and may be old: where a pod can be reached is known from its sandbox.
rt::Task<void> pre_stop_calls_the_sandbox() {
  PodParts parts(rt::Executor::current().runtime());
  auto listener = parts.runtime.network().listen({"127.0.0.1", 0});
  EXPECT_TRUE(listener);
  const std::string port = std::to_string((*listener)->local().port);
  const auto pod = std::make_shared<Pod>(pod_of("{spec: {containers: [{name: a, image: x, lifecycle: {preStop: {tcpSocket: {port: " + port +
                                                "}}}}]}, "
                                                "status: {podIP: 10.0.0.8}}"));
  PodState state = state_of({running("a")});
  state.sandboxes[0].ips = {"127.0.0.1"};
  SandboxState newer = state.sandboxes[0];
  newer.id = "s2";
  newer.ips = {"10.0.0.9"};
  state.sandboxes.insert(state.sandboxes.begin(), newer);
  const rt::Context bounded = rt::Context::background().with_timeout(1min);
  (void)co_await parts.pods.kill_pod(bounded, pod, state, std::nullopt);
  const rt::Context at_once = rt::Context::background().with_timeout(1ms);
  const auto called = co_await (*listener)->accept(at_once);
  EXPECT_TRUE(called) << called.error().message;
  (*listener)->close();
  co_await parts.close();
}
TEST(ContainerKill, PreStopCallsTheSandbox) { rt::testing::run_sim(pre_stop_calls_the_sandbox()); }

}  // namespace
}  // namespace pintle::kubelet::runtime

#include "kubelet/server/log_container.h"

#include <functional>

#include <gtest/gtest.h>

namespace pintle::kubelet::server {
namespace {

namespace core = api::core_v1;

void check(const std::function<void(core::ContainerStatus&)>& shape, bool previous, std::string_view want) {
  core::Pod pod;
  pod.metadata.name = "p";
  auto& status = pod.status.init_container_statuses.emplace_back();
  status.name = "c";
  shape(status);
  const auto found = find_log_container(pod, "c", previous);
  EXPECT_EQ(found ? *found : found.error().message, want);
}

TEST(LogContainer, ByStatus) {
  check(
      [](auto& s) {
        s.state.running.ensure();
        s.container_id = "containerd://new";
      },
      false, "new");
  check(
      [](auto& s) {
        s.state.running.ensure();
        s.container_id = "containerd://new";
        s.last_state.terminated.ensure().container_id = "containerd://old";
      },
      true, "old");
  check(
      [](auto& s) {
        s.state.running.ensure();
        s.container_id = "containerd://new";
      },
      true, "previous terminated container \"c\" in pod \"p\" not found");
  check([](auto& s) { s.state.terminated.ensure().container_id = "containerd://done"; }, false, "done");
  check(
      [](auto& s) {
        s.state.terminated.ensure();
        s.last_state.terminated.ensure().container_id = "containerd://old";
      },
      false, "old");
  check([](auto& s) { s.state.terminated.ensure(); }, false, "container \"c\" in pod \"p\" is terminated");
  check(
      [](auto& s) {
        s.state.waiting.ensure().reason = "CrashLoopBackOff";
        s.last_state.terminated.ensure().container_id = "containerd://old";
      },
      false, "old");
  check([](auto& s) { s.state.waiting.ensure().reason = "ContainerCreating"; }, false,
        "container \"c\" in pod \"p\" is waiting to start: ContainerCreating");
  check([](auto& s) { s.state.waiting.ensure().reason = "ErrImagePull"; }, false,
        "container \"c\" in pod \"p\" is waiting to start: image can't be pulled");
  check([](auto& s) { s.state.waiting.ensure().reason = "ImagePullBackOff"; }, false,
        "container \"c\" in pod \"p\" is waiting to start: trying and failing to pull image");
  check([](auto&) {}, false, "container \"c\" in pod \"p\" is waiting to start - no logs yet");
  check([](auto& s) { s.name = "other"; }, false, "container \"c\" in pod \"p\" is not available");
}

}  // namespace
}  // namespace pintle::kubelet::server

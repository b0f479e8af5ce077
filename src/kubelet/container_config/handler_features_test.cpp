#include "kubelet/container_config/handler_features.h"

#include <gtest/gtest.h>

#include "codec/yaml.h"
#include "kubelet/container_config/user_namespace_ranges.h"
#include "kubelet/testing.h"
#include "rt/testing.h"

namespace pintle::kubelet::container_config {
namespace {

using testing::pod_of;

TEST(HandlerFeatures, OfTheHandlerByName) {
  api::cri_v1::StatusResponse status;
  EXPECT_FALSE(handler_features(status, "").user_namespaces) << "a runtime that tells nothing";
  auto& usual = status.runtime_handlers.emplace_back();
  usual.features.emplace().recursive_read_only_mounts = true;
  auto& isolated = status.runtime_handlers.emplace_back();
  isolated.name = "isolated";
  isolated.features.emplace().user_namespaces = true;
  EXPECT_TRUE(handler_features(status, "").recursive_read_only);
  EXPECT_FALSE(handler_features(status, "").user_namespaces);
  EXPECT_TRUE(handler_features(status, "isolated").user_namespaces);
  EXPECT_FALSE(handler_features(status, "other").recursive_read_only);
}

TEST(HandlerFeatures, AreAskedForByFewPods) {
  const auto check = [](const std::string& spec, bool wants) { EXPECT_EQ(wants_handler_features(pod_of("{spec: " + spec + "}")), wants) << spec; };
  check("{containers: [{name: a}]}", false);
  check("{hostUsers: true, containers: [{name: a}]}", false);
  check("{hostUsers: false, containers: [{name: a}]}", true);
  check("{containers: [{name: a, volumeMounts: [{name: v, readOnly: true, recursiveReadOnly: Disabled}]}]}", false);
  check("{containers: [{name: a, volumeMounts: [{name: v, readOnly: true, recursiveReadOnly: IfPossible}]}]}", true);
  check("{containers: [], initContainers: [{name: a, volumeMounts: [{name: v, recursiveReadOnly: Enabled}]}]}", true);
}

// First ids of ranges, "" where there is none.
rt::Task<void> give_ranges() {
  rt::Disk& disk = rt::Executor::current().runtime().disk();
  const Paths paths("/kubelet");
  UserNamespaceRanges ranges(disk, paths, {.pods_max = 2});
  EXPECT_EQ(ranges.range_of("a")->host_id, 65536u);
  EXPECT_EQ(ranges.range_of("b")->host_id, 131072u);
  EXPECT_EQ(ranges.range_of("a")->host_id, 65536u) << "a pod keeps its range";
  EXPECT_EQ(ranges.range_of("c").error().reason, Reason::TooManyRequests);
  EXPECT_EQ(*disk.read("/kubelet/pods/b/userns"),
            R"({"gidMappings":[{"containerId":0,"hostId":131072,"length":65536}],"uidMappings":[{"containerId":0,"hostId":131072,"length":65536}]})");
  UserNamespaceRanges after_restart(disk, paths, {.pods_max = 2});
  EXPECT_EQ(after_restart.range_of("c").error().reason, Reason::TooManyRequests);
  EXPECT_EQ(after_restart.range_of("b")->host_id, 131072u);
  EXPECT_TRUE(disk.remove("/kubelet/pods/a/userns"));
  EXPECT_EQ(after_restart.range_of("c")->host_id, 65536u) << "free when its pod is gone";
  UserNamespaceRanges wider(disk, Paths("/other"), {.ids_per_pod = 131072, .pods_max = 110});
  EXPECT_EQ(wider.range_of("a")->length, 131072u);
  EXPECT_EQ(wider.range_of("b")->host_id, 65536u + 131072u);
  co_return;
}
TEST(UserNamespaceRanges, AreOfOnePodEach) { rt::testing::run_sim(give_ranges()); }

}  // namespace
}  // namespace pintle::kubelet::container_config

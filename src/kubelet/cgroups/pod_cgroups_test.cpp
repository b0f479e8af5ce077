#include "kubelet/cgroups/pod_cgroups.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace pintle::kubelet::cgroups {
namespace {

namespace core = api::core_v1;

api::Quantity q(std::string_view text) { return api::Quantity::parse(text).value(); }

core::Pod pod_with(std::string_view cpu_request, std::string_view cpu_limit, std::string_view memory_request, std::string_view memory_limit) {
  core::Pod pod;
  pod.metadata.uid = "0a-1b";
  core::Container container;
  if (!cpu_request.empty()) container.resources.requests["cpu"] = q(cpu_request);
  if (!cpu_limit.empty()) container.resources.limits["cpu"] = q(cpu_limit);
  if (!memory_request.empty()) container.resources.requests["memory"] = q(memory_request);
  if (!memory_limit.empty()) container.resources.limits["memory"] = q(memory_limit);
  pod.spec.containers.push_back(std::move(container));
  return pod;
}

TEST(PodCgroups, Names) {
  EXPECT_EQ(cgroup_path({}, false), "/");
  EXPECT_EQ(cgroup_path({"kubepods", "burstable", "pod1-2"}, false), "/kubepods/burstable/pod1-2");
  EXPECT_EQ(cgroup_path({"kubepods", "burstable", "pod1-2"}, true), "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice");
}

void check_parent(PodCgroupOptions options, const core::Pod& pod, std::string_view path, std::string_view parent) {
  auto cgroups = os::make_cgroups_v1({{"memory", "/nowhere"}});
  const PodCgroups subject(*cgroups, std::move(options));
  EXPECT_EQ(subject.path_of(pod), path);
  EXPECT_EQ(subject.parent_of(pod), parent);
}

TEST(PodCgroups, Paths) {
  const core::Pod best_effort = pod_with("", "", "", "");
  const core::Pod burstable = pod_with("1", "", "", "");
  const core::Pod guaranteed = pod_with("1", "1", "1Gi", "1Gi");
  check_parent({}, best_effort, "/kubepods/besteffort/pod0a-1b", "/kubepods/besteffort/pod0a-1b");
  check_parent({}, burstable, "/kubepods/burstable/pod0a-1b", "/kubepods/burstable/pod0a-1b");
  check_parent({}, guaranteed, "/kubepods/pod0a-1b", "/kubepods/pod0a-1b");
  check_parent({.root = "/mine/here"}, guaranteed, "/mine/here/kubepods/pod0a-1b", "/mine/here/kubepods/pod0a-1b");
  check_parent({.systemd_driver = true}, burstable, "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a_1b.slice",
               "kubepods-burstable-pod0a_1b.slice");
  check_parent({.root = "/a.slice/a-b_c.slice", .systemd_driver = true}, guaranteed,
               "/a.slice/a-b_c.slice/a-b_c-kubepods.slice/a-b_c-kubepods-pod0a_1b.slice", "a-b_c-kubepods-pod0a_1b.slice");
  check_parent({.per_qos = false}, guaranteed, "/kubepods/pod0a-1b", "");
}

void check_limits(const core::Pod& pod, uint64_t shares, std::optional<int64_t> quota, std::optional<int64_t> memory) {
  const os::CgroupLimits limits = pod_cgroup_limits(pod, {});
  EXPECT_EQ(limits.cpu_shares, shares);
  EXPECT_EQ(limits.cpu_quota_us, quota);
  EXPECT_EQ(limits.memory_bytes, memory);
}

TEST(PodCgroups, Limits) {
  check_limits(pod_with("", "", "", ""), 2, {}, {});
  check_limits(pod_with("500m", "", "", ""), 512, {}, {});
  check_limits(pod_with("500m", "1", "", ""), 512, 100'000, {});
  check_limits(pod_with("500m", "1", "1Mi", "2Mi"), 512, 100'000, 2 << 20);
  check_limits(pod_with("1", "1", "1Mi", "1Mi"), 1024, 100'000, 1 << 20);
  const PodCgroupOptions no_quota{.cpu_cfs_quota = false};
  EXPECT_EQ(pod_cgroup_limits(pod_with("1", "1", "1Mi", "1Mi"), no_quota).cpu_quota_us, -1);
  // One container without a limit: the pod has none.
  core::Pod mixed = pod_with("500m", "1", "1Mi", "2Mi");
  mixed.spec.containers.emplace_back();
  check_limits(mixed, 512, {}, {});
  mixed.spec.resources.ensure().limits["memory"] = q("3Mi");
  check_limits(mixed, 512, {}, 3 << 20);
}

TEST(PodCgroups, BurstableWeighsWhatItsPodsAskFor) {
  const core::Pod small = pod_with("500m", "", "", ""), large = pod_with("1", "", "", ""), best_effort = pod_with("", "", "", "");
  const core::Pod guaranteed = pod_with("1", "1", "1Gi", "1Gi");
  EXPECT_EQ(burstable_shares({}), 2u);
  EXPECT_EQ(burstable_shares({&best_effort, &guaranteed}), 2u);
  EXPECT_EQ(burstable_shares({&small, &large, &best_effort, &guaranteed}), 1536u);
}

TEST(PodCgroups, HugepagesAndPids) {
  core::Pod pod = pod_with("", "", "1Mi", "");
  pod.spec.containers[0].resources.requests["hugepages-2Mi"] = q("4Mi");
  pod.spec.containers[0].resources.limits["hugepages-2Mi"] = q("4Mi");
  const PodCgroupOptions options{.pod_pids_limit = 77, .hugepage_sizes_bytes = {2 << 20, 1 << 30}};
  const os::CgroupLimits limits = pod_cgroup_limits(pod, options);
  EXPECT_EQ(limits.hugepage_bytes.at("2MB"), 4 << 20);
  EXPECT_EQ(limits.hugepage_bytes.at("1GB"), 0);
  EXPECT_EQ(limits.pids_max, 77);
}

TEST(PodCgroups, OnThisMachine) {
  auto cgroups = os::make_cgroups();
  if (!cgroups) GTEST_SKIP() << cgroups.error().message;
  const std::string root = "/pintle-kubelet-test-" + std::to_string(::getpid());
  if (auto made = (*cgroups)->create(root); !made) GTEST_SKIP() << made.error().message;
  PodCgroups subject(**cgroups, {.root = root});
  FlatMap<api::Quantity> allocatable{{"cpu", q("2")}, {"memory", q("1Gi")}};
  const auto set_up = subject.set_up(allocatable);
  EXPECT_TRUE(set_up) << set_up.error().message;
  const core::Pod pod = pod_with("500m", "1", "1Mi", "64Mi");
  const auto applied = subject.apply(pod);
  EXPECT_TRUE(applied) << applied.error().message;
  EXPECT_TRUE(subject.apply(pod)) << "again: no error";
  EXPECT_EQ(subject.pods(), std::vector<std::string>{"0a-1b"});
  EXPECT_TRUE(subject.set_burstable_shares(1536));
  if ((*cgroups)->has_controller("memory")) {
    EXPECT_EQ((*cgroups)->memory_limit(root + "/kubepods").value(), 1 << 30);
    EXPECT_EQ((*cgroups)->memory_limit(subject.path_of(pod)).value(), 64 << 20);
  }
  EXPECT_TRUE(subject.usage(pod));
  EXPECT_TRUE(subject.node_usage());
  EXPECT_TRUE(subject.remove("0a-1b"));
  EXPECT_TRUE(subject.remove("0a-1b")) << "gone already";
  EXPECT_TRUE(subject.pods().empty());
  EXPECT_TRUE((*cgroups)->remove(root));
}

}  // namespace
}  // namespace pintle::kubelet::cgroups

#include "os/cgroup.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup_tree.h"
#include "os/mount.h"
#include "os/path.h"
#include "os/read_file.h"
#include "rt/file.h"
#include "rt/testing.h"

namespace pintle::os {
namespace {

TEST(CgroupNames, Directories) {
  EXPECT_EQ(cgroup_directory("/sys/fs/cgroup", "/kubepods/pod1"), "/sys/fs/cgroup/kubepods/pod1");
  EXPECT_EQ(cgroup_directory("/c", "a//b/"), "/c/a/b");
  EXPECT_EQ(cgroup_directory("/c", "/"), "/c");
  EXPECT_EQ(cgroup_directory("/c", "../../etc"), "/c/etc");
}

TEST(CgroupNames, Weights) {
  EXPECT_EQ(cpu_weight_of_shares(0), 1u);
  EXPECT_EQ(cpu_weight_of_shares(2), 1u);
  EXPECT_EQ(cpu_weight_of_shares(1024), 39u);
  EXPECT_EQ(cpu_weight_of_shares(262144), 10000u);
  EXPECT_EQ(cpu_weight_of_shares(999999), 10000u);
}

pid_t start_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  return pid;
}

// Makes a cgroup with a child below the machine's own, uses it and removes it.
void check_life(Cgroups& cgroups, const std::string& path) {
  ASSERT_TRUE(cgroups.create(path + "/child"));
  EXPECT_TRUE(cgroups.exists(path + "/child"));
  EXPECT_TRUE(cgroups.create(path + "/child")) << "there already: no error";
  const auto children = cgroups.children(path);
  ASSERT_TRUE(children);
  EXPECT_EQ(*children, std::vector<std::string>{"child"});

  const pid_t sleeper = start_sleeper();
  const auto attached = cgroups.attach(path + "/child", sleeper);
  EXPECT_TRUE(attached) << attached.error().message;
  const auto processes = cgroups.processes(path);
  EXPECT_TRUE(processes && *processes == std::vector<pid_t>{sleeper});
  EXPECT_FALSE(cgroups.remove(path)) << "a process is in it";
  EXPECT_TRUE(cgroups.kill(path));
  int status = 0;
  EXPECT_EQ(::waitpid(sleeper, &status, 0), sleeper);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);

  const auto removed = cgroups.remove(path);
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_FALSE(cgroups.exists(path));
  EXPECT_TRUE(cgroups.remove(path)) << "gone already: no error";
}

TEST(Cgroups, OfThisMachine) {
  auto cgroups = make_cgroups();
  if (!cgroups) GTEST_SKIP() << cgroups.error().message;
  const std::string path = "/pintle-os-test-" + std::to_string(::getpid());
  if (auto made = (*cgroups)->create(path); !made) GTEST_SKIP() << made.error().message;
  CgroupLimits limits;
  limits.cpu_shares = 512;
  limits.cpu_period_us = 100'000;
  limits.cpu_quota_us = 50'000;
  limits.memory_bytes = 64 << 20;
  limits.pids_max = 100;
  const auto set = (*cgroups)->set(path, limits);
  EXPECT_TRUE(set) << set.error().message;
  if ((*cgroups)->has_controller("memory")) {
    const auto limit = (*cgroups)->memory_limit(path);
    ASSERT_TRUE(limit);
    EXPECT_EQ(*limit, 64 << 20);
    const auto usage = (*cgroups)->usage(path);
    ASSERT_TRUE(usage) << usage.error().message;
    EXPECT_EQ(usage->memory_limit_bytes, 64u << 20);
    limits.memory_bytes = -1;
    EXPECT_TRUE((*cgroups)->set(path, limits));
    const auto none = (*cgroups)->memory_limit(path);
    EXPECT_TRUE(none && !*none);
  }
  check_life(**cgroups, path);
}

TEST(Cgroups, V2OfThisMachine) {
  std::string root;
  const auto table = mount_table();
  ASSERT_TRUE(table);
  for (const MountEntry& entry : *table)
    if (entry.fs_type == "cgroup2") root = entry.mount_point;
  if (root.empty()) GTEST_SKIP() << "no version 2 hierarchy";
  auto cgroups = make_cgroups_v2(root);
  const std::string path = "/pintle-os-test2-" + std::to_string(::getpid());
  if (auto made = cgroups->create(path); !made) GTEST_SKIP() << made.error().message;
  check_life(*cgroups, path);
}

// Groups nested past any path: they went neither by path nor, with their processes, by recursion.
TEST(Cgroups, NoNestingIsTooDeep) {
  std::string root = ::testing::TempDir() + "pintle-cgroup2-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  constexpr int depth = 1200;
  UniqueFd at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (const char* name : {"pod", "other"}) ASSERT_EQ(::mkdirat(at.get(), name, 0755), 0);
  at.reset(::openat(at.get(), "pod", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "nested", 0755), 0);
    ASSERT_EQ(::mkdirat(at.get(), "beside", 0755), 0);
    at.reset(::openat(at.get(), "nested", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  const UniqueFd file(::openat(at.get(), "cgroup.procs", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ASSERT_EQ(::write(file.get(), "12\n345\n", 7), 7);
  EXPECT_EQ(tree_processes(root + "/pod").value(), (std::vector<pid_t>{12, 345}));
  ASSERT_EQ(::unlinkat(at.get(), "cgroup.procs", 0), 0);
  EXPECT_TRUE(remove_cgroup_directories(root + "/pod"));
  EXPECT_TRUE(remove_cgroup_directories(root + "/pod")) << "it is gone already";
  EXPECT_EQ(tree_usage(root)->inodes, 2u);
  EXPECT_TRUE(tree_processes(root + "/pod")->empty());
  EXPECT_TRUE(remove_tree(root));
}

// The files of version 2 in a plain directory: what is written, and what is read.
TEST(Cgroups, V2Files) {
  std::string root = ::testing::TempDir() + "pintle-cgroup2-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  ASSERT_TRUE(make_directories(root + "/pod", 0755));
  const auto put = [&](const std::string& name, std::string_view text) {
    rt::testing::run_task([&]() -> rt::Task<void> {
      EXPECT_TRUE(rt::Executor::current().runtime().disk().write(root + "/" + name, text));
      co_return;
    });
  };
  put("cgroup.controllers", "cpu memory pids\n");
  for (const std::string name : {"cpu.weight", "cpu.max", "memory.max", "pids.max", "memory.min"}) put("pod/" + name, "");
  auto cgroups = make_cgroups_v2(root);
  EXPECT_TRUE(cgroups->has_controller("memory"));
  EXPECT_FALSE(cgroups->has_controller("hugetlb"));
  CgroupLimits limits;
  limits.cpu_shares = 1024;
  limits.cpu_quota_us = 20'000;
  limits.cpu_period_us = 100'000;
  limits.memory_bytes = 4096;
  limits.pids_max = 0;
  limits.hugepage_bytes["2MB"] = 0;
  limits.unified["memory.min"] = "1024";
  ASSERT_TRUE(cgroups->set("/pod", limits));
  EXPECT_EQ(read_file(root + "/pod/cpu.weight").value(), "39");
  EXPECT_EQ(read_file(root + "/pod/cpu.max").value(), "20000 100000");
  EXPECT_EQ(read_file(root + "/pod/memory.max").value(), "4096");
  EXPECT_EQ(read_file(root + "/pod/pids.max").value(), "max");
  EXPECT_EQ(read_file(root + "/pod/memory.min").value(), "1024");
  EXPECT_FALSE(cgroups->limits_swap("/pod"));
  put("pod/memory.swap.max", "max\n");
  EXPECT_TRUE(cgroups->limits_swap("/pod"));
  EXPECT_FALSE(cgroups->limits_swap("/"));
  put("pod/cpu.stat", "usage_usec 1500\nuser_usec 1000\n");
  put("pod/memory.current", "1000\n");
  put("pod/memory.stat", "anon 300\ninactive_file 400\npgfault 7\npgmajfault 2\n");
  put("pod/memory.max", "max\n");
  put("pod/pids.current", "3\n");
  const auto usage = cgroups->usage("/pod");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->cpu_usage_ns, 1'500'000u);
  EXPECT_EQ(usage->memory_working_set_bytes, 600u);
  EXPECT_EQ(usage->memory_rss_bytes, 300u);
  EXPECT_EQ(usage->memory_limit_bytes, 0u);
  EXPECT_EQ(usage->processes, 3u);
  EXPECT_TRUE(remove_tree(root));
}

}  // namespace
}  // namespace pintle::os

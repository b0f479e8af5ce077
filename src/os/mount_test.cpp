#include "os/mount.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "os/path.h"
#include "os/read_file.h"

namespace pintle::os {
namespace {

TEST(MountInfo, Rows) {
  const auto table = parse_mount_info(
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
      "29 23 0:26 / /sys/fs/cgroup/cpu rw,nosuid shared:9 propagate_from:2 - cgroup cgroup rw,cpu,cpuacct\n"
      "30 23 0:27 / /a\\040b\\134c rw - tmpfs tmpfs rw,size=4k\n"
      "broken\n");
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[0].id, 36);
  EXPECT_EQ(table[0].parent_id, 35);
  EXPECT_EQ(table[0].root, "/mnt1");
  EXPECT_EQ(table[0].mount_point, "/mnt2");
  EXPECT_EQ(table[0].optional, "master:1");
  EXPECT_TRUE(table[0].has_option("noatime"));
  EXPECT_FALSE(table[0].has_option("no"));
  EXPECT_EQ(table[1].optional, "shared:9 propagate_from:2");
  EXPECT_TRUE(table[1].has_super_option("cpuacct"));
  EXPECT_EQ(table[2].mount_point, "/a b\\c");
  EXPECT_EQ(table[2].fs_type, "tmpfs");
}

// Runs `body` in a mount namespace of its own; false if this process may not make one.
template <class Body>
bool in_mount_namespace(Body body) {
  bool made = false;
  std::thread([&] {
    made = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (made) body();
  }).join();
  return made;
}

std::string fresh_directory() {
  std::string path = ::testing::TempDir() + "pintle-mount-XXXXXX";
  return ::mkdtemp(path.data()) ? path : std::string();
}

void check_mounts(const std::string& root) {
  ASSERT_TRUE(make_directory(root + "/tmp", 0755));
  ASSERT_TRUE(make_directory(root + "/bind", 0755));
  EXPECT_FALSE(is_mount_point(root + "/tmp").value());
  ASSERT_TRUE(mount_tmpfs(root + "/tmp", 1 << 20, 01777));
  EXPECT_TRUE(is_mount_point(root + "/tmp").value());
  ASSERT_TRUE(bind_mount(root + "/tmp", root + "/bind", true, false));
  EXPECT_FALSE(make_directory(root + "/bind/x", 0755));
  EXPECT_TRUE(make_directory(root + "/tmp/x", 0755));
  EXPECT_TRUE(is_mount_point(root + "/bind").value());
  EXPECT_FALSE(remove_tree(root)) << "a mount point is never removed";
  EXPECT_TRUE(make_directory(root + "/tmp/x", 0755)) << "what is mounted stays whole";
  ASSERT_TRUE(unmount(root + "/bind"));
  ASSERT_TRUE(unmount(root + "/tmp"));
  EXPECT_TRUE(unmount(root + "/tmp")) << "nothing is mounted there: no error";
}

TEST(Mount, TmpfsBindAndUnmount) {
  const std::string root = fresh_directory();
  ASSERT_FALSE(root.empty());
  if (!in_mount_namespace([&] { check_mounts(root); })) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  EXPECT_TRUE(remove_tree(root));
  EXPECT_FALSE(is_mount_point(root));
}

MountEntry row_of(const std::string& mount_point) {
  const auto table = mount_table();
  for (const MountEntry& entry : *table)
    if (entry.mount_point == mount_point) return entry;
  return {};
}

void check_shared(const std::string& root) {
  const std::string below = root + "/shared/a/below";
  ASSERT_TRUE(make_directories(below, 0755));
  ASSERT_TRUE(mount_tmpfs(below, 0, 0755));
  ASSERT_TRUE(make_directory(below + "/kept", 0755));
  ASSERT_TRUE(mount_tmpfs(below + "/kept", 0, 0755));
  ASSERT_EQ(::symlink((root + "/shared").c_str(), (root + "/link").c_str()), 0);
  const auto before = mounts_below(root)->size();
  const auto shared = share_mounts(root + "/link");
  ASSERT_TRUE(shared) << shared.error().message;
  EXPECT_TRUE(*shared) << "a mount of its own";
  for (const std::string& path : {root + "/shared", below, below + "/kept"}) EXPECT_TRUE(row_of(path).optional.starts_with("shared:")) << path;
  EXPECT_EQ(row_of(below).parent_id, row_of(root + "/shared").id) << "moved along, not left under";
  EXPECT_EQ(mounts_below(root)->size(), before + 1);
  EXPECT_FALSE(share_mounts(root + "/shared/a").value_or(true));
  EXPECT_EQ(mounts_below(root)->size(), before + 1) << "on a shared mount there is nothing to do";
  ASSERT_TRUE(unmount(below + "/kept"));
  ASSERT_TRUE(unmount(below));
  EXPECT_TRUE(remove_tree(root + "/shared/a")) << "nothing that is mounted out of sight holds the directory";
  ASSERT_TRUE(unmount(root + "/shared"));
  EXPECT_FALSE(share_mounts(root + "/absent"));
}

TEST(Mount, ADirectoryIsShared) {
  const std::string root = fresh_directory();
  ASSERT_FALSE(root.empty());
  if (!in_mount_namespace([&] { check_shared(root); })) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  EXPECT_TRUE(remove_tree(root));
}

}  // namespace
}  // namespace pintle::os

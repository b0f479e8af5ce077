// The file work of volumes, on real directories in a mount namespace of the test's own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/sub_path.h"
#include "kubelet/volumes/testing.h"
#include "kubelet/volumes/volume_files.h"
#include "os/mount.h"
#include "os/path.h"
#include "os/read_file.h"

namespace pintle::kubelet::volumes {
namespace {

using testing::read_link;
using testing::text_of;

class VolumeFiles : public testing::TemporaryRoot {
 protected:
  Result<bool> write(const Payload& payload, std::optional<uint32_t> fs_group = {}) {
    ++second_;
    return write_payload({root_, payload, rt::WallTime(std::chrono::seconds(second_)), 42, fs_group});
  }
  int second_ = 1'700'000'000;
};

PayloadFile file(std::string data, uint32_t mode = 0644) { return {std::move(data), mode, {}}; }

TEST_F(VolumeFiles, LayoutOfAtomicWrites) {
  ASSERT_TRUE(write({{"plain", file("1")}, {"dir/inner", file("2", 0400)}, {"dir/more/deep", file("3")}}).value());
  EXPECT_EQ(read_link(root_ + "/..data"), "..2023_11_14_22_13_21.42");
  EXPECT_EQ(read_link(root_ + "/plain"), "..data/plain");
  EXPECT_EQ(read_link(root_ + "/dir"), "..data/dir");
  EXPECT_EQ(text_of(root_ + "/plain"), "1");
  EXPECT_EQ(text_of(root_ + "/dir/more/deep"), "3");
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/dir/inner").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0400u);
  EXPECT_EQ(list_names(root_).value(), (std::vector<std::string>{"..2023_11_14_22_13_21.42", "..data", "dir", "plain"}));
}

TEST_F(VolumeFiles, AFullDiskLeavesTheOldFiles) {
  ASSERT_TRUE(os::mount_tmpfs(root_, 64 << 10, 0755));
  ASSERT_TRUE(write({{"a", file("old")}, {"b", file("old")}}).value());
  const auto before = list_names(root_).value();
  const auto full = write({{"a", file("new")}, {"b", file(std::string(100'000, 'x'))}});
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message.find("no space left on device"), std::string::npos) << full.error().message;
  EXPECT_EQ(list_names(root_).value(), before);
  EXPECT_EQ(text_of(root_ + "/a"), "old");
  ASSERT_TRUE(write({{"a", file("new")}, {"b", file("new")}}).value()) << "there is room again";
  EXPECT_EQ(text_of(root_ + "/a"), "new");
}

TEST_F(VolumeFiles, UpdatesSwitchAndCleanUp) {
  ASSERT_TRUE(write({{"a", file("1")}, {"b", file("1")}}).value());
  const std::string first = read_link(root_ + "/..data");
  EXPECT_FALSE(write({{"a", file("1")}, {"b", file("1")}}).value()) << "nothing changed";
  EXPECT_EQ(read_link(root_ + "/..data"), first);
  ASSERT_TRUE(write({{"a", file("2")}, {"c", file("1")}}).value());
  EXPECT_EQ(text_of(root_ + "/a"), "2");
  EXPECT_NE(read_link(root_ + "/..data"), first);
  EXPECT_NE(::access((root_ + "/b").c_str(), F_OK), 0);
  EXPECT_NE(::access((root_ + "/" + first).c_str(), F_OK), 0) << "the directory of before is gone";
  ASSERT_TRUE(write({{"a", file("2", 0600)}, {"c", file("1")}}).value()) << "a mode is a change too";
  ASSERT_TRUE(write({}).value());
  EXPECT_EQ(list_names(root_)->size(), 2u);
}

TEST_F(VolumeFiles, WhatACrashLeftIsCleanedUp) {
  ASSERT_TRUE(write({{"a", file("1")}}).value());
  ASSERT_TRUE(os::make_directories(root_ + "/..2020_01_01_00_00_00.1/x", 0755));
  ASSERT_EQ(::symlink("nowhere", (root_ + "/..data_tmp").c_str()), 0);
  ASSERT_EQ(::unlink((root_ + "/a").c_str()), 0);
  EXPECT_FALSE(write({{"a", file("1")}}).value());
  EXPECT_EQ(text_of(root_ + "/a"), "1");
  EXPECT_EQ(list_names(root_)->size(), 3u);
}

TEST_F(VolumeFiles, BadPaths) {
  for (const std::string path : {"", "/abs", "../up", "a/../../b", "..data", "..", "..x"}) EXPECT_FALSE(write({{path, file("x")}})) << path;
  EXPECT_TRUE(write({{"a..b", file("x")}}));
}

TEST_F(VolumeFiles, GroupsMayRead) {
  ASSERT_TRUE(write({{"a", file("1", 0600)}, {"d/b", file("2", 0400)}}, 2000).value());
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 2000u);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  ASSERT_EQ(::stat((root_ + "/d/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0440u);
  ASSERT_EQ(::stat((root_ + "/d").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 2000u);
  EXPECT_TRUE(info.st_mode & S_ISGID);
  EXPECT_FALSE(write({{"a", file("1", 0600)}, {"d/b", file("2", 0400)}}, 2000).value()) << "nothing changed";
}

TEST_F(VolumeFiles, GroupOwnership) {
  ASSERT_TRUE(os::make_directories(root_ + "/v/d", 0700));
  std::ofstream(root_ + "/v/d/f") << "x";
  ASSERT_EQ(::symlink("/etc/passwd", (root_ + "/v/link").c_str()), 0);
  struct stat passwd {};
  ASSERT_EQ(::stat("/etc/passwd", &passwd), 0);
  ASSERT_TRUE(own_by_group(root_ + "/v", 1234, false, false));
  struct stat info {};
  ASSERT_EQ(::stat((root_ + "/v/d").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 1234u);
  EXPECT_EQ(info.st_mode & 07777, 02770u);
  ASSERT_EQ(::stat((root_ + "/v/d/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0060, 0060u);
  ASSERT_EQ(::lstat((root_ + "/v/link").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 1234u) << "the link itself";
  struct stat again {};
  ASSERT_EQ(::stat("/etc/passwd", &again), 0);
  EXPECT_EQ(passwd.st_gid, again.st_gid) << "never what it leads to";
  EXPECT_EQ(passwd.st_mode, again.st_mode);
  // With the root right, nothing below is looked at.
  ASSERT_EQ(::chown((root_ + "/v/d/f").c_str(), 0, 0), 0);
  ASSERT_TRUE(own_by_group(root_ + "/v", 1234, false, true));
  ASSERT_EQ(::stat((root_ + "/v/d/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_gid, 0u);
}

TEST_F(VolumeFiles, HostPathTypes) {
  const auto check = [&](const std::string& name, std::string_view type, std::string_view problem) {
    const auto result = check_host_path(root_ + "/" + name, type);
    if (problem.empty()) {
      EXPECT_TRUE(result) << name << " " << type << ": " << result.error().message;
    } else {
      ASSERT_FALSE(result) << name << " " << type;
      EXPECT_EQ(result.error().message, "hostPath type check failed: " + root_ + "/" + name + " is not a " + std::string(problem));
    }
  };
  ASSERT_TRUE(os::make_directory(root_ + "/dir", 0755));
  std::ofstream(root_ + "/file") << "x";
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = root_ + "/sock";
  std::copy(path.begin(), path.end(), address.sun_path);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  check("none", "", "");
  check("dir", "Directory", "");
  check("file", "Directory", "directory");
  check("none", "Directory", "directory");
  check("file", "File", "");
  check("dir", "File", "file");
  check("sock", "Socket", "");
  check("file", "Socket", "socket file");
  check("file", "CharDevice", "character device");
  check("file", "BlockDevice", "block device");
  check("new/dir", "DirectoryOrCreate", "");
  check("new/dir", "Directory", "");
  check("newfile", "FileOrCreate", "");
  check("newfile", "File", "");
  EXPECT_FALSE(check_host_path(root_ + "/nodir/file", "FileOrCreate")) << "its parent is not made";
  EXPECT_TRUE(check_host_path("/dev/null", "CharDevice")->is_file);
}

class SubPaths : public testing::TemporaryRoot {
 protected:
  void SetUp() override {
    TemporaryRoot::SetUp();
    if (IsSkipped()) return;
    volume_ = root_ + "/volume";
    ASSERT_TRUE(os::make_directories(volume_ + "/real", 0755));
    ASSERT_TRUE(os::make_directories(root_ + "/secret", 0755));
    std::ofstream(root_ + "/secret/key") << "private";
    std::ofstream(volume_ + "/file") << "content";
    ASSERT_EQ(::symlink((root_ + "/secret").c_str(), (volume_ + "/escape").c_str()), 0);
    ASSERT_EQ(::symlink("../secret", (volume_ + "/climb").c_str()), 0);
    ASSERT_EQ(::symlink("real", (volume_ + "/alias").c_str()), 0);
  }
  Result<std::string> prepare(std::string path, std::string* log = nullptr) {
    return prepare_sub_path(Paths(root_), {"uid1", "vol", volume_, std::move(path), "main", 0}, log);
  }
  std::string volume_;
};

TEST_F(SubPaths, MountsWhatIsInside) {
  const auto file = prepare("file");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(*file, root_ + "/pods/uid1/volume-subpaths/vol/main/0");
  EXPECT_EQ(text_of(*file), "content");
  const auto directory = prepare("alias");
  ASSERT_TRUE(directory);
  std::ofstream(volume_ + "/real/x") << "y";
  EXPECT_EQ(text_of(*directory + "/x"), "y");
  const auto made = prepare("new/deep");
  ASSERT_TRUE(made);
  EXPECT_EQ(::access((volume_ + "/new/deep").c_str(), F_OK), 0);
  EXPECT_TRUE(remove_pod_directory(Paths(root_), "uid1"));
  EXPECT_EQ(text_of(volume_ + "/real/x"), "y") << "tearing down removes mounts, not what is mounted";
  EXPECT_NE(::access((root_ + "/pods/uid1").c_str(), F_OK), 0);
}

TEST_F(SubPaths, NothingLeadsOut) {
  ASSERT_EQ(::symlink("../", (volume_ + "/up").c_str()), 0);
  for (const std::string path : {"escape", "escape/key", "climb", "climb/key", "escape/new", "up", "up/secret/key"}) {
    std::string log;
    const auto prepared = prepare(path, &log);
    ASSERT_FALSE(prepared) << path;
    EXPECT_EQ(prepared.error().message, "failed to prepare subPath for volumeMount \"vol\" of container \"main\"");
    EXPECT_FALSE(log.empty());
  }
  EXPECT_NE(::access((root_ + "/secret/new").c_str(), F_OK), 0);
}

TEST_F(VolumeFiles, EmptyDirs) {
  EmptyDirPlan plan;
  plan.directory = root_ + "/pods/u/volumes/kubernetes.io~empty-dir/cache";
  plan.notes = root_ + "/pods/u/plugins/kubernetes.io~empty-dir/cache";
  plan.fs_group = 500;
  ASSERT_TRUE(make_empty_dir(plan));
  struct stat info {};
  ASSERT_EQ(::stat(plan.directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 02777u);
  EXPECT_EQ(info.st_gid, 500u);
  EXPECT_EQ(::access((plan.notes + "/ready").c_str(), F_OK), 0);
  std::ofstream(plan.directory + "/kept") << "x";
  ASSERT_TRUE(make_empty_dir(plan)) << "again, after a restart";
  EXPECT_EQ(text_of(plan.directory + "/kept"), "x");

  EmptyDirPlan memory;
  memory.directory = root_ + "/pods/u/volumes/kubernetes.io~empty-dir/mem";
  memory.medium = "Memory";
  memory.size_bytes = 1 << 20;
  ASSERT_TRUE(make_empty_dir(memory));
  ASSERT_TRUE(make_empty_dir(memory)) << "not mounted twice";
  EXPECT_TRUE(os::is_mount_point(memory.directory).value());
  std::ofstream big(memory.directory + "/big");
  big << std::string(2 << 20, 'x') << std::flush;
  EXPECT_FALSE(big.good()) << "its size is limited";
  big.close();
  EXPECT_TRUE(remove_pod_directory(Paths(root_), "u"));
  EXPECT_TRUE(remove_pod_directory(Paths(root_), "u")) << "nothing there: no error";
  EXPECT_NE(::access((root_ + "/pods/u").c_str(), F_OK), 0);
}

TEST_F(VolumeFiles, LocalVolumesStayWhole) {
  ASSERT_TRUE(os::make_directory(root_ + "/disk", 0755));
  std::ofstream(root_ + "/disk/data") << "precious";
  LocalVolumePlan plan;
  plan.source = root_ + "/disk";
  plan.directory = root_ + "/pods/u/volumes/kubernetes.io~local-volume/pv1";
  ASSERT_TRUE(make_local_volume(plan));
  EXPECT_EQ(text_of(plan.directory + "/data"), "precious");
  EXPECT_TRUE(remove_pod_directory(Paths(root_), "u"));
  EXPECT_EQ(text_of(root_ + "/disk/data"), "precious");
  plan.source = root_ + "/none";
  EXPECT_FALSE(make_local_volume(plan));
  plan.source = root_ + "/disk/data";
  EXPECT_EQ(make_local_volume(plan).error().message, "only directory and block device are supported");
}

void check_bind_options(std::vector<std::string> options, unsigned long set, unsigned long clear) {
  const auto parsed = bind_options(options);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->set, set);
  EXPECT_EQ(parsed->clear, clear);
  EXPECT_EQ(parsed->read_only(), (set & MS_RDONLY) != 0);
}

TEST(BindOptions, AreThoseOfAMount) {
  check_bind_options({}, 0, 0);
  check_bind_options({"bind", "defaults"}, 0, 0);
  check_bind_options({"nodev", "noexec", "nosuid", "ro"}, MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY, 0);
  check_bind_options({"rw", "suid"}, 0, MS_RDONLY | MS_NOSUID);
  check_bind_options({"rw", "ro"}, MS_RDONLY, 0);
  check_bind_options({"noatime", "relatime"}, MS_RELATIME, MS_NOATIME | MS_STRICTATIME);
  for (const char* other : {"hard", "discard", "uid=0", "rbind", "remount"}) {
    const auto refused = bind_options({"ro", other});
    ASSERT_FALSE(refused) << other;
    EXPECT_EQ(refused.error().message, "mount option \"" + std::string(other) + "\" is none that a directory can be mounted with");
  }
}

// The options of the mount at `directory`.
os::MountEntry mount_at(const std::string& directory) {
  os::MountEntry out;
  auto table = os::mount_table().value();
  for (auto& entry : table)
    if (entry.mount_point == directory) out = std::move(entry);
  return out;
}

TEST_F(VolumeFiles, LocalVolumesHaveTheirOptions) {
  const std::string disk = root_ + "/disk";
  ASSERT_TRUE(os::make_directories(disk, 0755));
  ASSERT_TRUE(os::mount_tmpfs(disk, 0, 0755));
  os::MountRequest strict;
  strict.target = disk;
  strict.flags = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV;
  ASSERT_TRUE(os::mount(strict));
  LocalVolumePlan plan;
  plan.source = disk;
  plan.directory = root_ + "/pods/u/volumes/kubernetes.io~local-volume/pv1";
  plan.options = bind_options({"dev", "noatime", "noexec", "ro"}).value();
  plan.fs_group = 7;
  ASSERT_TRUE(make_local_volume(plan));
  ASSERT_TRUE(make_local_volume(plan)) << "it is there";
  const os::MountEntry made = mount_at(plan.directory);
  for (const char* option : {"ro", "noexec", "noatime", "nosuid"}) EXPECT_TRUE(made.has_option(option)) << option << " of " << made.options;
  EXPECT_FALSE(made.has_option("nodev")) << made.options;
  EXPECT_TRUE(mount_at(disk).has_option("nodev")) << "the source stays as it was";
  EXPECT_TRUE(remove_pod_directory(Paths(root_), "u"));
}

TEST(MemoryVolumes, Limits) {
  namespace core = api::core_v1;
  const auto q = [](std::string_view text) { return api::Quantity::parse(text).value(); };
  core::Pod pod;
  pod.spec.containers.emplace_back();
  const FlatMap<api::Quantity> node{{"memory", q("8Gi")}};
  EXPECT_EQ(memory_volume_bytes(pod, {}, {}), 0u);
  EXPECT_EQ(memory_volume_bytes(pod, {}, node), uint64_t{8} << 30);
  EXPECT_EQ(memory_volume_bytes(pod, q("1Gi"), node), uint64_t{1} << 30);
  pod.spec.containers[0].resources.limits["memory"] = q("512Mi");
  EXPECT_EQ(memory_volume_bytes(pod, q("1Gi"), node), uint64_t{512} << 20);
}

}  // namespace
}  // namespace pintle::kubelet::volumes

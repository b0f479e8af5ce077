// Local volumes of block devices: loop devices over sparse files, in a mount namespace of the test's own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "kubelet/volumes/plugins/device_map.h"
#include "kubelet/volumes/plugins/disk_format.h"
#include "kubelet/volumes/plugins/local.h"
#include "kubelet/volumes/testing.h"
#include "os/program.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::volumes::plugins {
namespace {

namespace core = api::core_v1;

using testing::read_link;
using testing::text_of;

TEST(Blkid, IsRead) {
  const auto both = parse_blkid("DEVNAME=/dev/loop0\nTYPE=ext4\nPTTYPE=gpt\n\n").value();
  EXPECT_EQ(both.fs_type, "ext4");
  EXPECT_EQ(both.partitions, "gpt");
  EXPECT_EQ(parse_blkid("").value().fs_type, "");
  EXPECT_FALSE(parse_blkid("garbage\n"));
}

TEST(FileSystems, ThatAreMade) {
  using Arguments = std::vector<std::string>;
  EXPECT_EQ(mkfs_arguments("ext4", "/dev/x").value(), (Arguments{"mkfs.ext4", "-F", "-m0", "/dev/x"}));
  EXPECT_EQ(mkfs_arguments("xfs", "/dev/x").value(), (Arguments{"mkfs.xfs", "-f", "/dev/x"}));
  EXPECT_EQ(mkfs_arguments("btrfs", "/dev/x").value(), (Arguments{"mkfs.btrfs", "/dev/x"}));
  for (const char* other : {"", "ntfs", "../../bin/sh", "ext4 /dev/y"}) EXPECT_FALSE(mkfs_arguments(other, "/dev/x")) << other;
  for (const char* name : {"ext4", "xfs", "fuse.x", "ext4dev"}) EXPECT_TRUE(is_fs_type(name)) << name;
  for (const char* name : {"", "-o", "../x", "a b", "EXT4"}) EXPECT_FALSE(is_fs_type(name)) << name;
}

// A block device over a file; gone with it.
class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file) : file_(file) {
    if (!std::filesystem::exists(file)) {
      std::ofstream made(file);
      std::filesystem::resize_file(file, 32 << 20);
    }
    path_ = output_of("losetup -f --show " + file);
  }
  ~LoopDevice() { output_of("losetup -d " + path_); }
  const std::string& path() const { return path_; }
  const std::string& file() const { return file_; }
  static std::string output_of(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    std::array<char, 256> line{};
    while (::fgets(line.data(), line.size(), pipe)) out += line.data();
    ::pclose(pipe);
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }

 private:
  const std::string file_;
  std::string path_;
};

void write_at(const std::string& file, off_t where, std::string_view text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(::pwrite(fd, text.data(), text.size(), where), static_cast<ssize_t>(text.size()));
  ::fsync(fd);
  ::close(fd);
}

class LocalVolumes : public testing::TemporaryRoot {
 protected:
  void SetUp() override {
    TemporaryRoot::SetUp();
    if (IsSkipped()) return;
    const std::string probe = root_ + "/probe";
    if (LoopDevice(probe).path().empty() || LoopDevice::output_of("which mkfs.ext4").empty()) GTEST_SKIP() << "needs loop devices and mkfs.ext4";
  }
  Paths paths() const { return Paths(root_ + "/kubelet"); }
  std::string stage() const { return root_ + "/kubelet/plugins/kubernetes.io/local-volume/mounts/pv"; }
  std::string in_pod(const std::string& uid) const { return root_ + "/kubelet/pods/" + uid + "/volumes/kubernetes.io~local-volume/pv"; }

  VolumeSpec spec(const std::string& path, bool block = false) const {
    auto pod = std::make_shared<core::Pod>();
    pod->spec.volumes.emplace_back().name = "v";
    auto persistent = std::make_shared<core::PersistentVolume>();
    persistent->metadata.name = "pv";
    persistent->spec.local.ensure().path = path;
    VolumeSpec out;
    out.entry = std::shared_ptr<const core::Volume>(pod, &pod->spec.volumes[0]);
    out.persistent = persistent;
    out.kind = VolumeKind::Local;
    out.block = block;
    return out;
  }
  static PodVolume of_pod(const std::string& uid, VolumeSpec spec) {
    auto pod = std::make_shared<core::Pod>();
    pod->metadata.uid = uid;
    PodVolume out;
    out.pod = pod;
    out.spec = std::move(spec);
    return out;
  }
  void run(std::function<rt::Task<void>(VolumePlugin&)> body) {
    rt::testing::run_task([&]() -> rt::Task<void> {
      const VolumePluginPtr plugin =
          make_local_plugin({rt::Executor::current().runtime(), paths(), std::make_shared<GroupOwner>(rt::Executor::current().runtime())});
      co_await body(*plugin);
    });
  }
  // How stage() of the device ends: "" or why not.
  std::string staged(VolumeSpec wanted) {
    std::string out;
    run([&](VolumePlugin& plugin) -> rt::Task<void> {
      const StepEnd end = co_await plugin.stage(rt::Context::background(), wanted, std::string());
      out = end.why.message;
    });
    return out;
  }
};

VolumeOnDisk pv_on_disk(bool block = false) { return {"kubernetes.io/local-volume/pv", "pv", block}; }

TEST_F(LocalVolumes, AnEmptyDeviceIsFormattedAndShared) {
  const LoopDevice device(root_ + "/disk");
  const VolumeSpec wanted = spec(device.path());
  run([&](VolumePlugin& plugin) -> rt::Task<void> {
    const rt::Context ctx = rt::Context::background();
    EXPECT_TRUE(plugin.traits(wanted)->staged);
    for (int again = 0; again < 2; ++again) {
      const StepEnd staged = co_await plugin.stage(ctx, wanted, std::string());
      EXPECT_EQ(staged.why.message, "");
      for (const char* uid : {"a", "b"}) {
        PodVolume volume = of_pod(uid, wanted);
        const Published made = co_await plugin.publish(ctx, std::move(volume));
        EXPECT_EQ(made.end.why.message, "");
        EXPECT_EQ(made.volume.host_path, in_pod(uid));
      }
    }
    EXPECT_EQ(os::mounts_below(root_)->size(), 3u) << "nothing is mounted twice";
    std::ofstream(in_pod("a") + "/data") << "kept";
    EXPECT_EQ(text_of(in_pod("b") + "/data"), "kept");
    EXPECT_EQ(plugin.staged_before(), std::vector<VolumeOnDisk>{pv_on_disk()});
    for (const char* uid : {"a", "b", "a"}) {
      const StepEnd end = co_await plugin.unpublish(ctx, pv_on_disk(), uid);
      EXPECT_EQ(end.why.message, "");
    }
    for (int again = 0; again < 2; ++again) {
      const StepEnd end = co_await plugin.unstage(ctx, pv_on_disk());
      EXPECT_EQ(end.why.message, "");
    }
    EXPECT_TRUE(os::mounts_below(root_)->empty());
    EXPECT_FALSE(std::filesystem::exists(stage()));
    // And what was written is there the next time.
    const StepEnd staged = co_await plugin.stage(ctx, wanted, std::string());
    EXPECT_EQ(staged.why.message, "");
    EXPECT_EQ(text_of(stage() + "/data"), "kept");
    const StepEnd end = co_await plugin.unstage(ctx, pv_on_disk());
    EXPECT_EQ(end.why.message, "");
  });
}

TEST_F(LocalVolumes, ADeviceThatCarriesDataIsNotTouched) {
  const std::string file = root_ + "/disk";
  const LoopDevice device(file);
  const auto check_refused = [&](const std::string& why, VolumeSpec wanted) {
    const std::string before = text_of(file);
    const std::string said = staged(std::move(wanted));
    EXPECT_NE(said.find(why), std::string::npos) << said;
    EXPECT_TRUE(text_of(file) == before) << why;
    EXPECT_TRUE(os::mounts_below(root_)->empty());
  };
  VolumeSpec read_only = spec(device.path());
  read_only.read_only = true;
  check_refused("cannot mount unformatted disk", read_only);
  VolumeSpec unknown = spec(device.path());
  auto odd = std::make_shared<core::PersistentVolume>(*unknown.persistent);
  odd->spec.local->fs_type = "minix";
  unknown.persistent = odd;
  check_refused("are not made here", unknown);
  // A database of its own format, at the start or at the end.
  for (const off_t where : {off_t{4096}, off_t{(32 << 20) - 100}}) {
    write_at(device.path(), where, "precious");
    check_refused("carries data that blkid does not know", spec(device.path()));
    write_at(device.path(), where, std::string(8, '\0'));
  }
  LoopDevice::output_of("mkfs.ext4 -q -F " + device.path());
  EXPECT_EQ(staged(spec(device.path())), "");
  LoopDevice::output_of("umount " + stage());
  // A partition table over it.
  LoopDevice::output_of("printf 'label: dos\\n,,L\\n' | sfdisk -q --force -w always " + device.path());
  if (!LoopDevice::output_of("which sfdisk").empty()) check_refused("has partitions (dos)", spec(device.path()));
}

// Its first inodes are lost, and it says itself that it has errors.
TEST_F(LocalVolumes, ABrokenFileSystemIsNotMounted) {
  const LoopDevice device(root_ + "/disk");
  LoopDevice::output_of("mkfs.ext4 -q -F -b 1024 " + device.path() + " && debugfs -w -R 'ssv state 2' " + device.path());
  const std::string first = LoopDevice::output_of("dumpe2fs " + device.path() + " | sed -n 's/ *Inode table at \\([0-9]*\\)-.*/\\1/p' | head -1");
  ASSERT_FALSE(first.empty());
  write_at(device.path(), std::stoll(first) * 1024, std::string(64 << 10, '\0'));
  const std::string said = staged(spec(device.path()));
  EXPECT_TRUE(said.starts_with("local: 'fsck' found errors on device " + device.path() + " but could not correct them: ")) << said;
  EXPECT_LT(said.size(), 1500u);
  EXPECT_TRUE(os::mounts_below(root_)->empty());
}

TEST_F(LocalVolumes, WhatIsNoDeviceOrAnother) {
  EXPECT_EQ(staged(spec(root_ + "/none")), "path \"" + root_ + "/none\" does not exist");
  EXPECT_EQ(staged(spec(root_)), "") << "a directory has no stage";
  const LoopDevice one(root_ + "/disk1");
  const LoopDevice two(root_ + "/disk2");
  EXPECT_EQ(staged(spec(one.path())), "");
  EXPECT_EQ(staged(spec(two.path())), "another device is mounted at " + stage());
  LoopDevice::output_of("umount " + stage());
  // By a link, as udev makes them.
  std::filesystem::create_symlink(two.path(), root_ + "/by-id");
  EXPECT_EQ(staged(spec(root_ + "/by-id")), "");
  LoopDevice::output_of("umount " + stage());
}

TEST_F(LocalVolumes, DevicesAreMapped) {
  const LoopDevice device(root_ + "/disk");
  const LoopDevice other(root_ + "/disk2");
  const std::string link = root_ + "/kubelet/pods/a/volumeDevices/kubernetes.io~local-volume/pv";
  const std::string node = root_ + "/kubelet/plugins/kubernetes.io~local-volume/volumeDevices/pv/a";
  run([&](VolumePlugin& plugin) -> rt::Task<void> {
    const rt::Context ctx = rt::Context::background();
    EXPECT_FALSE(plugin.traits(spec(device.path(), true))->staged);
    for (int again = 0; again < 2; ++again) {
      PodVolume volume = of_pod("a", spec(device.path(), true));
      const Published made = co_await plugin.publish(ctx, std::move(volume));
      EXPECT_EQ(made.end.why.message, "");
      EXPECT_EQ(made.volume.host_path, link);
      EXPECT_TRUE(made.volume.block);
    }
    EXPECT_EQ(os::mounts_below(root_)->size(), 1u);
    EXPECT_EQ(read_link(link), device.path());
    struct stat info {};
    EXPECT_EQ(::stat(node.c_str(), &info), 0);
    EXPECT_TRUE(S_ISBLK(info.st_mode));
    PodVolume moved = of_pod("a", spec(other.path(), true));
    const Published refused = co_await plugin.publish(ctx, std::move(moved));
    EXPECT_EQ(refused.end.why.message, "another device is mapped at " + node);
    // Upstream's kubelet has a loop device over it.
    const std::string held = LoopDevice::output_of("losetup -f --show " + node);
    EXPECT_FALSE(held.empty());
    for (int again = 0; again < 2; ++again) {
      const StepEnd end = co_await plugin.unpublish(ctx, pv_on_disk(true), "a");
      EXPECT_EQ(end.why.message, "");
    }
    EXPECT_EQ(LoopDevice::output_of("losetup -n -O BACK-FILE " + held), "");
    EXPECT_TRUE(os::mounts_below(root_)->empty());
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link)));
    EXPECT_FALSE(std::filesystem::exists(root_ + "/kubelet/plugins/kubernetes.io~local-volume/volumeDevices/pv"));
    PodVolume directory = of_pod("a", spec(root_, true));
    const Published none = co_await plugin.publish(ctx, std::move(directory));
    EXPECT_EQ(none.end.why.message, "path \"" + root_ + "\" is no block device");
  });
}

rt::Task<void> check_limits() {
  const rt::Context ctx = rt::Context::background();
  std::vector<std::string> hangs = {"sh", "-c", "sleep 4711 & sleep 4711"};
  const auto late = co_await os::run_program(ctx, std::move(hangs), std::chrono::milliseconds(200));
  EXPECT_FALSE(late);
  if (!late) {
    EXPECT_EQ(late.error().message, "sh did not end within 0s");
  }
  EXPECT_EQ(LoopDevice::output_of("pgrep -f '^sleep 4711'"), "") << "nothing of it is left";
  std::vector<std::string> says = {"sh", "-c", "echo one; printf 'two\\033[2J' >&2; yes | head -c 5000 >&2; exit 3"};
  const auto said = co_await os::run_program(ctx, std::move(says), std::chrono::minutes(1));
  EXPECT_TRUE(said);
  if (!said) co_return;
  EXPECT_EQ(said->exit.code, 3);
  const std::string shown = os::shown_output(*said);
  EXPECT_EQ(shown.substr(0, 16), "one two[2Jy y y ");
  EXPECT_EQ(shown.size(), os::shown_output_bytes_max + 3);
  std::vector<std::string> absent = {"no-such-program-4711"};
  const auto missing = co_await os::run_program(ctx, std::move(absent), std::chrono::minutes(1));
  EXPECT_FALSE(missing);
  if (!missing) {
    EXPECT_EQ(missing.error().reason, Reason::NotFound);
  }
}
TEST(Programs, EndInTimeAndSayLittle) { rt::testing::run_task(check_limits); }

}  // namespace
}  // namespace pintle::kubelet::volumes::plugins

#include "kubelet/volumes/plugins/nfs.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "kubelet/volumes/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::volumes::plugins {
namespace {

namespace core = api::core_v1;

using testing::text_of;

PodVolume inline_volume(const std::string& server, const std::string& path, bool read_only = false) {
  auto pod = std::make_shared<core::Pod>();
  pod->metadata.uid = "u1";
  core::Volume& entry = pod->spec.volumes.emplace_back();
  entry.name = "v";
  core::NFSVolumeSource& source = entry.nfs.ensure();
  source.server = server;
  source.path = path;
  source.read_only = read_only;
  PodVolume out;
  out.pod = pod;
  out.spec = resolve(pod, entry);
  return out;
}

PodVolume persistent_volume(std::vector<std::string> options, bool read_only) {
  PodVolume out = inline_volume("", "");
  auto persistent = std::make_shared<core::PersistentVolume>();
  persistent->metadata.name = "pv";
  persistent->spec.nfs.ensure().server = "nfs.example.com";
  persistent->spec.nfs->path = "/export,a b";
  persistent->spec.nfs->read_only = true;
  out.spec.persistent = persistent;
  out.spec.mount_options = std::move(options);
  out.spec.read_only = read_only;
  return out;
}

void check_arguments(const PodVolume& volume, std::vector<std::string> wanted) {
  wanted.insert(wanted.begin(), "mount.nfs");
  const auto got = mount_nfs_arguments(volume.spec, "/d");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, wanted);
}

TEST(NfsArguments, OfVolumes) {
  check_arguments(inline_volume("10.0.0.1", "/data"), {"10.0.0.1:/data", "/d"});
  check_arguments(inline_volume("fd00::1", "/data"), {"[fd00::1]:/data", "/d"});
  check_arguments(inline_volume("server", "/data", true), {"server:/data", "/d", "-o", "ro"});
  check_arguments(persistent_volume({"hard", "nfsvers=4.1"}, false), {"nfs.example.com:/export,a b", "/d", "-o", "hard,nfsvers=4.1"});
  check_arguments(persistent_volume({"soft"}, true), {"nfs.example.com:/export,a b", "/d", "-o", "soft,ro"});
  for (const char* server : {"", "-osuid", "a b", "a,b", "[::1]", "a/b", "a\nb"})
    EXPECT_FALSE(mount_nfs_arguments(inline_volume(server, "/x").spec, "/d")) << server;
}

// This kernel has no NFS: a program of the test's stands for mount.nfs, and a tmpfs for what it mounts.
class Nfs : public testing::TemporaryRoot {
 protected:
  void SetUp() override {
    TemporaryRoot::SetUp();
    if (IsSkipped()) return;
    path_ = ::getenv("PATH");
    ::setenv("PATH", (root_ + "/bin:" + path_).c_str(), 1);
    std::filesystem::create_directory(root_ + "/bin");
  }
  void TearDown() override {
    if (!path_.empty()) ::setenv("PATH", path_.c_str(), 1);
    TemporaryRoot::TearDown();
  }
  void mount_nfs_is(const std::string& script) const {
    const std::string program = root_ + "/bin/mount.nfs";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    ::chmod(program.c_str(), 0755);
  }
  void run(std::function<rt::Task<void>(VolumePlugin&)> body) {
    rt::testing::run_task([&]() -> rt::Task<void> {
      const VolumePluginPtr plugin = make_nfs_plugin({rt::Executor::current().runtime(), Paths(root_)});
      co_await body(*plugin);
    });
  }
  std::string directory() const { return root_ + "/pods/u1/volumes/kubernetes.io~nfs/v"; }
  VolumeOnDisk on_disk() const { return {"kubernetes.io/nfs/u1-v", "v", false}; }

 private:
  std::string path_;
};

TEST_F(Nfs, IsMountedOnceAndUnmounted) {
  mount_nfs_is("echo \"$@\" >> " + root_ + "/asked; mount -t tmpfs nfs \"$2\"");
  run([&](VolumePlugin& plugin) -> rt::Task<void> {
    const rt::Context ctx = rt::Context::background();
    for (int again = 0; again < 2; ++again) {
      PodVolume volume = inline_volume("server", "/data", true);
      EXPECT_EQ(plugin.unique_name(volume.spec, "u1"), on_disk().unique_name);
      const Published made = co_await plugin.publish(ctx, std::move(volume));
      EXPECT_EQ(made.end.why.message, "");
      EXPECT_EQ(made.volume.host_path, directory());
      EXPECT_TRUE(made.volume.read_only);
    }
    EXPECT_EQ(text_of(root_ + "/asked"), "server:/data " + directory() + " -o ro\n");
    EXPECT_EQ(plugin.published_before("u1", "v", false), on_disk());
    for (int again = 0; again < 2; ++again) {
      const StepEnd end = co_await plugin.unpublish(ctx, on_disk(), "u1");
      EXPECT_EQ(end.why.message, "");
    }
    EXPECT_TRUE(os::mounts_below(root_)->empty());
    EXPECT_FALSE(std::filesystem::exists(directory()));
  });
}

TEST_F(Nfs, SaysWhyNot) {
  const auto failure = [&] {
    std::string out;
    run([&](VolumePlugin& plugin) -> rt::Task<void> {
      PodVolume volume = inline_volume("server", "/data");
      const Published made = co_await plugin.publish(rt::Context::background(), std::move(volume));
      EXPECT_EQ(made.end.part, "MountVolume.SetUp");
      out = made.end.why.message;
      const StepEnd end = co_await plugin.unpublish(rt::Context::background(), on_disk(), "u1");
      EXPECT_EQ(end.why.message, "");
    });
    return out;
  };
  mount_nfs_is("echo 'mount.nfs: access denied by server while mounting server:/data' >&2; exit 32");
  EXPECT_EQ(failure(), "mount failed: exit status 32: mount.nfs: access denied by server while mounting server:/data");
  std::filesystem::remove(root_ + "/bin/mount.nfs");
  ::setenv("PATH", (root_ + "/bin:/usr/bin:/bin").c_str(), 1);
  if (std::filesystem::exists("/usr/sbin/mount.nfs") || std::filesystem::exists("/sbin/mount.nfs")) return;
  EXPECT_EQ(failure(), "mount.nfs is not installed on this node (nfs-common, nfs-utils)");
}

}  // namespace
}  // namespace pintle::kubelet::volumes::plugins

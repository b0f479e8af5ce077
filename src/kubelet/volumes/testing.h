// For tests of volumes: a directory of their own, in a mount namespace of the test process.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "api/gen/core_v1.h"
#include "os/mount.h"
#include "os/path.h"
#include "os/read_file.h"

namespace pintle::kubelet::testing {

inline std::string read_link(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}
// "<missing>" if it cannot be read.
inline std::string text_of(const std::string& path) { return os::read_file(path).value_or("<missing>"); }

// Mounts of the test are seen by nobody else and end with it: the process leaves the machine's mount namespace at the
// first test. Threads that are started afterwards (runtimes) are inside it too.
inline bool own_mount_namespace() {
  static const bool made = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return made;
}

// As an API server has a claim "data" of the namespace shop and the local volume "pv" that it is bound to.
inline void bind_to_local(api::core_v1::PersistentVolumeClaim& claim, api::core_v1::PersistentVolume& persistent, std::string path) {
  claim.metadata.name = "data";
  claim.metadata.namespace_ = "shop";
  claim.metadata.uid = "claim-1";
  claim.status.phase = "Bound";
  claim.spec.volume_name = "pv";
  persistent.metadata.name = "pv";
  persistent.spec.claim_ref.ensure().uid = "claim-1";
  persistent.spec.local.ensure().path = std::move(path);
}

class TemporaryRoot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!own_mount_namespace()) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    root_ = ::testing::TempDir() + "pintle-volumes-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    char* real = ::realpath(root_.c_str(), nullptr);
    ASSERT_NE(real, nullptr);
    root_ = real;
    ::free(real);
  }
  void TearDown() override {
    if (root_.empty()) return;
    if (const auto mounts = os::mounts_below(root_)) {
      for (const std::string& mount : *mounts) EXPECT_TRUE(os::unmount(mount, true));
    }
    EXPECT_TRUE(os::remove_tree(root_));
  }
  std::string root_;
};

}  // namespace pintle::kubelet::testing

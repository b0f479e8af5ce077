#include "kubelet/container_config/container_files.h"

#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/testing.h"

namespace pintle::kubelet::container_config {
namespace {

using testing::text_of;

class ContainerFilesOnDisk : public testing::TemporaryRoot {
 protected:
  Result<MadeFiles> make(std::string hosts) {
    api::core_v1::Pod pod;
    pod.metadata.uid = "u1";
    pod.metadata.name = "p";
    pod.metadata.namespace_ = "ns";
    api::core_v1::Container container;
    container.name = "main";
    container.termination_message_path = "/dev/termination-log";
    return make_container_files({paths_, pod, container, {}, true, std::move(hosts), 7});
  }
  Paths paths_{root_, root_ + "/logs"};
};

TEST_F(ContainerFilesOnDisk, AFullDiskLeavesTheHostsFileOfBefore) {
  ASSERT_TRUE(os::mount_tmpfs(root_, 64 << 10, 0755));
  paths_ = Paths(root_, root_ + "/logs");
  const auto made = make("first\n");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->termination_log, root_ + "/pods/u1/containers/main/00000007");
  EXPECT_EQ(text_of(paths_.etc_hosts("u1")), "first\n");
  EXPECT_FALSE(make(std::string(100'000, 'x')));
  EXPECT_EQ(text_of(paths_.etc_hosts("u1")), "first\n");
  EXPECT_EQ(volumes::list_names(paths_.pod("u1")).value(), (std::vector<std::string>{"containers", "etc-hosts"})) << "nothing is left of the failure";
  // What lies where the files are made is never written through.
  ASSERT_EQ(::symlink("victim", (root_ + "/pods/u1/etc-hosts.tmp").c_str()), 0);
  ASSERT_TRUE(os::remove_tree(made->termination_log));
  ASSERT_EQ(::symlink((root_ + "/victim").c_str(), made->termination_log.c_str()), 0);
  ASSERT_TRUE(make("second\n"));
  EXPECT_EQ(text_of(paths_.etc_hosts("u1")), "second\n");
  EXPECT_EQ(text_of(root_ + "/victim"), "<missing>");
}

}  // namespace
}  // namespace pintle::kubelet::container_config

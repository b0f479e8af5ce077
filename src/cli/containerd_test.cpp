#include "cli/containerd.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::cli {
namespace {

TEST(Containerd, TheFolderThatHoldsAllPluginsIsUsed) {
  rt::Simulation sim({.seed = 1});
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  for (const char* folder : {"/opt", "/usr"}) ASSERT_TRUE(disk.make_directories(folder));
  for (const char* file : {"/opt/bridge", "/usr/bridge", "/usr/host-local", "/usr/loopback", "/usr/portmap"}) ASSERT_TRUE(disk.write(file, ""));
  EXPECT_EQ(find_cni_plugins(disk, {"/opt", "/none", "/usr"}), "/usr");
  EXPECT_EQ(find_cni_plugins(disk, {"/opt"}), "");
}

TEST(Containerd, ItsConfigurationKeepsToTheDataFolder) {
  ContainerdSettings settings;
  settings.pause_image = "pause:1";
  settings.restrict_oom_score_adj = true;
  const std::string text = containerd_config({"/d"}, settings);
  for (const char* line :
       {"root = \"/d/containerd/root\"", "state = \"/d/containerd/state\"", "address = \"/d/containerd/containerd.sock\"",
        "sandbox_image = \"pause:1\"", "restrict_oom_score_adj = true", "conf_dir = \"/d/cni/net.d\"", "snapshotter = \"overlayfs\""})
    EXPECT_NE(text.find(line), std::string::npos) << line;
}

}  // namespace
}  // namespace pintle::cli

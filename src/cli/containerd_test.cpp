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

}  // namespace
}  // namespace pintle::cli

#include "cli/installation.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::cli {
namespace {

TEST(Installation, IsReadAsItWasWritten) {
  rt::Simulation sim({.seed = 1});
  rt::Machine& machine = sim.add_machine({.name = "a"});
  const Layout layout{"/d"};
  EXPECT_EQ(read_installation(machine.disk(), layout).error().message, "/d holds no installation of pintle");
  const Installation installation{true, true, true, "n", "10.0.0.1", 6443, "/d/admin.kubeconfig", "", "/t", "/d/log/pods", "pause", "/d/kubelet"};
  ASSERT_TRUE(machine.disk().make_directories("/d"));
  ASSERT_TRUE(write_installation(machine.disk(), layout, installation));
  EXPECT_EQ(*read_installation(machine.disk(), layout), installation);
}

}  // namespace
}  // namespace pintle::cli

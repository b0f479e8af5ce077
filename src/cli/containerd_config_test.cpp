#include "cli/containerd_config.h"

#include <gtest/gtest.h>

#include "rt/sim/simulation.h"

namespace pintle::cli {
namespace {

TEST(ContainerdConfig, ItKeepsToTheDataFolder) {
  ContainerdSettings settings;
  settings.pause_image = "pause:1";
  settings.restrict_oom_score_adj = true;
  const std::string text = containerd_config({"/d"}, settings);
  for (const char* line :
       {"root = \"/d/containerd/root\"", "state = \"/d/containerd/state\"", "address = \"/d/containerd/containerd.sock\"",
        "sandbox_image = \"pause:1\"", "restrict_oom_score_adj = true", "conf_dir = \"/d/cni/net.d\"", "snapshotter = \"overlayfs\""})
    EXPECT_NE(text.find(line), std::string::npos) << line;
  EXPECT_EQ(merge_containerd_config(text, {}).value_or(""), text);
}

TEST(ContainerdConfig, PiecesAddRuntimesAndReplaceValues) {
  ContainerdSettings settings;
  settings.pause_image = "pause:1";
  const std::string runtime = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.sandboxed]\nruntime_type = \"io.containerd.runsc.v1\"\n";
  const auto merged =
      merge_containerd_config(containerd_config({"/d"}, settings),
                              {{"10.toml", "version = 2\n" + runtime},
                               {"20.toml", "[plugins.'io.containerd.grpc.v1.cri']\nsandbox_image = 'pause:2'\nmax_container_log_line_size = 9\n"}});
  ASSERT_TRUE(merged) << merged.error().message;
  for (const char* part : {"runtimes.sandboxed]", "io.containerd.runsc.v1", "runtimes.runc]", "pause:2", "max_container_log_line_size = 9",
                           "/d/containerd/containerd.sock", "/d/cni/net.d"})
    EXPECT_NE(merged->find(part), std::string::npos) << part << " in\n" << *merged;
  EXPECT_EQ(merged->find("pause:1"), std::string::npos);
  // What is written is read again, with nothing lost.
  EXPECT_EQ(merge_containerd_config(*merged, {{"none.toml", ""}}).value_or(""), *merged);
}

TEST(ContainerdConfig, MistakesNameTheFile) {
  const auto refusal = [](std::string text) {
    const auto merged = merge_containerd_config(containerd_config({"/d"}, {}), {{"/d/containerd.d/x.toml", std::move(text)}});
    return merged ? std::string("taken") : merged.error().message;
  };
  EXPECT_EQ(refusal("root = \"/elsewhere\""), "/d/containerd.d/x.toml: root is settled by pintle itself");
  EXPECT_EQ(refusal("[grpc]\naddress = \"/x\""), "/d/containerd.d/x.toml: grpc.address is settled by pintle itself");
  EXPECT_EQ(refusal("version = 3"), "/d/containerd.d/x.toml: version must be 2, which containerd 1.6 to 2.x read");
  EXPECT_TRUE(refusal("a = [").starts_with("/d/containerd.d/x.toml:1:6: ")) << refusal("a = [");
}

TEST(ContainerdConfig, PiecesAreReadInTheOrderOfTheirNames) {
  rt::Simulation sim({.seed = 1});
  rt::Disk& disk = sim.add_machine({.name = "a"}).disk();
  ASSERT_TRUE(containerd_config_pieces(disk, "/none"));
  ASSERT_TRUE(disk.make_directories("/p"));
  for (const char* name : {"/p/b.toml", "/p/a.toml", "/p/c.toml.bak"}) ASSERT_TRUE(disk.write(name, name));
  const auto pieces = containerd_config_pieces(disk, "/p");
  ASSERT_TRUE(pieces && pieces->size() == 2);
  EXPECT_EQ((*pieces)[0].file, "/p/a.toml");
  EXPECT_EQ((*pieces)[1].text, "/p/b.toml");
}

}  // namespace
}  // namespace pintle::cli

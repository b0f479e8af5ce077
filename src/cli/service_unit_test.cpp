#include "cli/service_unit.h"

#include <gtest/gtest.h>

namespace pintle::cli {
namespace {

ClusterConfig config(bool server, bool node) {
  ClusterConfig out;
  out.server = server;
  out.data_dir = "/var/lib/pintle";
  out.node.enabled = node;
  return out;
}

TEST(ServiceUnit, Arguments) {
  EXPECT_EQ(unit_argument("--a=b"), R"("--a=b")");
  EXPECT_EQ(unit_argument(R"(--a=x "y" \z)"), R"("--a=x \"y\" \\z")");
  EXPECT_EQ(unit_argument("50%$HOME"), R"("50%%$$HOME")");
  EXPECT_EQ(unit_argument("a\nb"), R"("a\nb")");
  const auto refused = [](std::vector<std::string> arguments) {
    const auto checked = check_unit_arguments(arguments);
    return checked ? "" : checked.error().message.substr(0, checked.error().message.find(':'));
  };
  EXPECT_EQ(refused({"--node-name=a", "--config=/etc/pintle.yaml", "--token-ttl=1h"}), "");
  EXPECT_EQ(refused({"--token=abc"}), "--token");
  EXPECT_EQ(refused({"--token", "abc"}), "--token");
  EXPECT_EQ(refused({"--config=relative.yaml"}), "--config");
  EXPECT_EQ(refused({"--config", "/a"}), "--config");
}

TEST(ServiceUnit, OfANodeAndOfAServerAlone) {
  const std::string node = unit_text(config(true, true), {"--node-name=a"});
  EXPECT_NE(node.find("\nExecStart=/usr/local/bin/pintle server \"--node-name=a\"\n"), std::string::npos) << node;
  for (const char* line : {"\nType=notify\n", "\nKillMode=process\n", "\nDelegate=yes\n", "\nWatchdogSec=2min\n", "\nRestart=always\n"})
    EXPECT_NE(node.find(line), std::string::npos) << line << node;
  for (const char* inherited : {"NoNewPrivileges", "Private", "Protect", "Restrict", "CapabilityBoundingSet"})
    EXPECT_EQ(node.find(inherited), std::string::npos) << "the node's pods would inherit it";
  const std::string alone = unit_text(config(true, false), {});
  for (const char* line : {"\nNoNewPrivileges=yes\n", "\nProtectSystem=strict\n", "\nReadWritePaths=-/var/lib/pintle\n"})
    EXPECT_NE(alone.find(line), std::string::npos) << line << alone;
  EXPECT_EQ(alone.find("KillMode"), std::string::npos);
  EXPECT_NE(unit_text(config(false, true), {}).find("pintle agent\n"), std::string::npos);
  EXPECT_EQ(data_dir_of_unit(node), "/var/lib/pintle");
  EXPECT_EQ(data_dir_of_unit("[Unit]\n# data-dir: /var/lib/pintle\n"), "") << "somebody else's";
}

TEST(ServiceUnit, WhatOfTheKernelIsLacking) {
  MachineProbe bare;
  bare.inotify_instances_max = 128;
  ClusterConfig with_node = config(true, true);
  with_node.node.network_mode = "vxlan";
  KernelSettings lacking = missing_settings(bare, with_node);
  EXPECT_EQ(lacking.modules, (std::vector<std::string>{"overlay", "bridge", "veth", "vxlan", "nf_tables"}));
  EXPECT_EQ(lacking.sysctls, (std::vector<std::string>{"fs.inotify.max_user_instances=1024"}));
  EXPECT_TRUE(missing_settings(bare, config(true, false)).empty());
  MachineProbe whole;
  whole.inotify_instances_max = 4096;
  whole.file_systems = {"overlay"};
  whole.link_kinds = {"bridge", "veth", "vxlan"};
  whole.nftables = true;
  EXPECT_TRUE(missing_settings(whole, with_node).empty());
}

}  // namespace
}  // namespace pintle::cli

#include "cli/check.h"

#include <gtest/gtest.h>

namespace pintle::cli {
namespace {

MachineProbe good_machine() {
  MachineProbe probe;
  probe.root = true;
  probe.kernel_version = "6.1.0-18-amd64";
  probe.cgroup_version = 2;
  probe.cgroup_controllers = {"cpu", "cpuset", "memory", "pids"};
  probe.file_systems = {"overlay"};
  probe.link_kinds = {"bridge", "veth", "vxlan"};
  probe.nftables = probe.seccomp = true;
  probe.tools = {{"containerd", "/usr/bin/containerd"}, {"runc", "/usr/sbin/runc"}};
  probe.cni_bin_dir = "/opt/cni/bin";
  probe.memory_bytes = uint64_t{2} << 30;
  probe.disk_available_bytes = uint64_t{20} << 30;
  probe.inotify_instances_max = 8192;
  return probe;
}
ClusterConfig node_config() {
  ClusterConfig config;
  config.data_dir = "/d";
  config.node.network_mode = "vxlan";
  return config;
}

void check_findings(const std::function<void(MachineProbe&, ClusterConfig&)>& change, std::string_view bad_lines) {
  MachineProbe probe = good_machine();
  ClusterConfig config = node_config();
  change(probe, config);
  std::vector<Finding> bad;
  for (const Finding& finding : judge(probe, config))
    if (finding.severity != Severity::Ok) bad.push_back(finding);
  EXPECT_EQ(format_findings(bad), bad_lines);
}

TEST(Check, SaysWhatIsMissingAndHowToGetIt) {
  check_findings([](auto&, auto&) {}, "");
  check_findings([](auto& p, auto&) { p.tools.erase("containerd"); },
                 "[FAIL] containerd: not in the PATH\n       -> apt-get install containerd, or --container-runtime-endpoint of another runtime\n");
  check_findings(
      [](auto& p, auto& c) {
        p.tools.clear();
        c.node.runtime_endpoint = "unix:///run/crio.sock";
      },
      "");
  check_findings(
      [](auto& p, auto&) { p.cgroup_controllers.erase("memory"); },
      "[FAIL] cgroups: version 2 without memory\n       -> enable these controllers (kernel parameter cgroup_enable=memory on some boards)\n");
  check_findings([](auto& p, auto&) { p.ports_taken = {6443}; },
                 "[FAIL] port 6443: in use by another program\n       -> end it, or another pintle that runs already\n");
  check_findings([](auto& p, auto&) { p.kernel_version = "4.18.0"; }, "[FAIL] kernel: 4.18.0\n       -> Linux 5.4 or later is needed\n");
  check_findings([](auto& p, auto&) { p.link_kinds.erase("vxlan"); },
                 "[warn] vxlan: such links cannot be made\n       -> modprobe vxlan, or --network-mode=host-gw where nodes share a network\n");
  check_findings(
      [](auto& p, auto& c) {
        p = MachineProbe{};
        p.root = true;
        p.kernel_version = "6.1";
        p.memory_bytes = p.disk_available_bytes = uint64_t{4} << 30;
        c.node.enabled = false;
      },
      "");
}

}  // namespace
}  // namespace pintle::cli

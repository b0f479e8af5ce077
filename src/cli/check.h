// `pintle check`: what a machine lacks for a server or a node, and how to get it. Looking (probe) and judging are apart.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/cluster_config.h"
#include "rt/runtime.h"

namespace pintle::cli {

inline constexpr uint64_t inotify_instances_min = 1024;

// What was found on a machine.
struct MachineProbe {
  bool root = false;
  std::string kernel_version;
  int cgroup_version = 0;  // 0: none is mounted
  std::set<std::string, std::less<>> cgroup_controllers;
  std::set<std::string, std::less<>> file_systems;  // that the kernel has: "overlay" ...
  std::set<std::string, std::less<>> link_kinds;    // that could be made: "bridge", "veth", "vxlan"
  bool nftables = false;
  bool seccomp = false;
  std::map<std::string, std::string, std::less<>> tools;  // name -> path, of those in the PATH
  std::string cni_bin_dir;                                // that holds all plugins we need; "": none
  std::vector<uint16_t> ports_taken;                      // of those that we shall listen on
  uint64_t memory_bytes = 0;
  uint64_t disk_available_bytes = 0;  // where the data will lie
  uint64_t inotify_instances_max = 0;
  bool swap_on = false;
};

enum class Severity { Ok, Warning, Failure };
struct Finding {
  Severity severity = Severity::Ok;
  std::string what;    // "cgroups"
  std::string detail;  // "version 1: cpu, memory, pids"
  std::string remedy;  // "" when all is well
};
// For the configuration: an agent needs no port 6443, a machine without a node needs no containerd.
std::vector<Finding> judge(const MachineProbe& probe, const ClusterConfig& config);
// One line a finding, remedies below.
std::string format_findings(const std::vector<Finding>& findings);
bool has_failure(const std::vector<Finding>& findings);

// Looks at this machine. Makes and removes network links in a namespace of its own; changes nothing.
rt::Task<MachineProbe> probe_machine(rt::Runtime& runtime, ClusterConfig config);

}  // namespace pintle::cli

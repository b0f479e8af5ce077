// The looking half of `pintle check`.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "cli/check.h"
#include "cli/containerd.h"
#include "os/cgroup.h"
#include "os/machine.h"
#include "os/netlink/netlink.h"
#include "os/read_file.h"
#include "rt/network.h"

namespace pintle::cli {
namespace {

// The kinds of links that this kernel makes, tried in a network namespace that goes away with its thread.
std::set<std::string, std::less<>> try_links() {
  std::set<std::string, std::less<>> out;
  std::thread prober([&out] {
    if (unshare(CLONE_NEWNET) != 0) return;
    auto netlink = os::netlink::Netlink::open();
    if (!netlink) return;
    if (netlink->add_bridge("probe0")) out.insert("bridge");
    if (netlink->add_veth("probe1", "probe2")) out.insert("veth");
    os::netlink::VxlanOptions vxlan;
    vxlan.name = "probe3";
    if (netlink->add_vxlan(vxlan)) out.insert("vxlan");
  });
  prober.join();
  return out;
}

std::set<std::string, std::less<>> kernel_file_systems() {
  std::set<std::string, std::less<>> out;
  const auto text = os::read_file("/proc/filesystems");
  if (!text) return out;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) out.insert(line.substr(line.rfind('\t') + 1));
  return out;
}

std::string find_tool(rt::Disk& disk, std::string_view name) {
  const char* path = getenv("PATH");
  std::istringstream folders(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + std::string(name);
    if (disk.exists(candidate) && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

void probe_cgroups(MachineProbe& out) {
  const auto cgroups = os::make_cgroups();
  if (!cgroups) return;
  out.cgroup_version = (*cgroups)->version() == os::CgroupVersion::V1 ? 1 : 2;
  for (const char* controller : {"cpu", "cpuset", "memory", "pids", "hugetlb", "io"})
    if ((*cgroups)->has_controller(controller)) out.cgroup_controllers.insert(controller);
}

std::vector<uint16_t> taken_ports(rt::Runtime& runtime, const ClusterConfig& config) {
  std::vector<uint16_t> wanted;
  if (config.server) wanted.push_back(config.https_listen_port);
  if (config.node.enabled) wanted.insert(wanted.end(), {10248, 10250});
  if (config.node.enabled && !config.disabled("proxy")) wanted.insert(wanted.end(), {10249, 10256});
  std::vector<uint16_t> taken;
  for (const uint16_t port : wanted)
    if (!runtime.network().listen({"0.0.0.0", port})) taken.push_back(port);
  return taken;
}

// The nearest folder above `path` that exists.
std::string existing_parent(rt::Disk& disk, std::string path) {
  while (path != "/" && !disk.exists(path)) path = rt::parent_path(path);
  return path;
}

}  // namespace

rt::Task<MachineProbe> probe_machine(rt::Runtime& runtime, ClusterConfig config) {
  MachineProbe out;
  out.root = geteuid() == 0;
  if (const auto facts = os::machine_facts()) {
    out.kernel_version = facts->kernel_version;
    out.memory_bytes = facts->memory_bytes;
    out.swap_on = facts->swap_bytes > 0;
  }
  probe_cgroups(out);
  out.file_systems = kernel_file_systems();
  out.link_kinds = try_links();
  out.nftables = access("/proc/sys/net/netfilter", F_OK) == 0;
  out.seccomp = access("/proc/sys/kernel/seccomp", F_OK) == 0;
  for (const char* tool : {"containerd", "runc", "mount", "iptables"})
    if (std::string path = find_tool(runtime.disk(), tool); !path.empty()) out.tools[tool] = path;
  out.cni_bin_dir = find_cni_plugins(runtime.disk(), config.node.cni_bin_dirs);
  out.ports_taken = taken_ports(runtime, config);
  if (const auto usage = os::file_system_usage(existing_parent(runtime.disk(), config.data_dir))) out.disk_available_bytes = usage->available_bytes;
  if (const auto limit = os::read_sysctl("fs.inotify.max_user_instances")) out.inotify_instances_max = std::strtoull(limit->c_str(), nullptr, 10);
  co_return out;
}

}  // namespace pintle::cli

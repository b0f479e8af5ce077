#include "cli/check.h"

#include <algorithm>
#include <cstdio>

namespace pintle::cli {
namespace {

constexpr int kernel_major_min = 5;
constexpr int kernel_minor_min = 4;
constexpr uint64_t mib = 1 << 20;
constexpr uint64_t memory_bytes_min = 256 * mib;
constexpr uint64_t disk_bytes_min = 1024 * mib;

constexpr std::string_view needed_controllers[] = {"cpu", "cpuset", "memory", "pids"};
constexpr std::string_view needed_links[] = {"bridge", "veth"};

class Judge {
 public:
  Judge(const MachineProbe& probe, const ClusterConfig& config) : probe_(probe), config_(config) {}
  std::vector<Finding> run() {
    user();
    kernel();
    resources();
    ports();
    if (config_.node.enabled) {
      cgroups();
      runtime();
      network();
      inotify();
    }
    return std::move(out_);
  }

 private:
  void ok(std::string what, std::string detail) { out_.push_back({Severity::Ok, std::move(what), std::move(detail), {}}); }
  void fail(std::string what, std::string detail, std::string remedy) {
    out_.push_back({Severity::Failure, std::move(what), std::move(detail), std::move(remedy)});
  }
  void warn(std::string what, std::string detail, std::string remedy) {
    out_.push_back({Severity::Warning, std::move(what), std::move(detail), std::move(remedy)});
  }

  void user() {
    if (probe_.root) return ok("user", "root");
    if (!config_.node.enabled) return warn("user", "not root", "the data folder and the port must be open to this user");
    fail("user", "not root", "run it as root: a node makes namespaces, mounts and rules");
  }
  void kernel() {
    int major = 0, minor = 0;
    if (std::sscanf(probe_.kernel_version.c_str(), "%d.%d", &major, &minor) != 2)
      return warn("kernel", probe_.kernel_version, "its version cannot be read");
    if (major < kernel_major_min || (major == kernel_major_min && minor < kernel_minor_min))
      return fail("kernel", probe_.kernel_version, "Linux 5.4 or later is needed");
    ok("kernel", probe_.kernel_version);
  }
  void resources() {
    if (probe_.memory_bytes < memory_bytes_min)
      fail("memory", std::to_string(probe_.memory_bytes / mib) + " MiB", "256 MiB at least are needed");
    else
      ok("memory", std::to_string(probe_.memory_bytes / mib) + " MiB");
    if (probe_.disk_available_bytes < disk_bytes_min)
      warn("disk", std::to_string(probe_.disk_available_bytes / mib) + " MiB free for " + config_.data_dir, "images and data need 1 GiB at least");
    else
      ok("disk", std::to_string(probe_.disk_available_bytes / mib) + " MiB free for " + config_.data_dir);
    if (probe_.swap_on && config_.node.enabled)
      warn("swap", "on", "memory limits of pods count without it; swapoff -a, or leave it: pods do not use it (NoSwap)");
  }
  void ports() {
    if (probe_.ports_taken.empty()) return ok("ports", "free");
    for (const uint16_t port : probe_.ports_taken)
      fail("port " + std::to_string(port), "in use by another program", "end it, or another pintle that runs already");
  }
  void cgroups() {
    if (probe_.cgroup_version == 0) return fail("cgroups", "none mounted", "mount cgroup2 at /sys/fs/cgroup");
    std::string have, missing;
    for (const std::string_view controller : needed_controllers) {
      std::string& list = probe_.cgroup_controllers.contains(controller) ? have : missing;
      list += (list.empty() ? "" : ", ") + std::string(controller);
    }
    const std::string version = "version " + std::to_string(probe_.cgroup_version);
    if (!missing.empty())
      return fail("cgroups", version + " without " + missing, "enable these controllers (kernel parameter cgroup_enable=memory on some boards)");
    ok("cgroups", version + ": " + have);
  }
  void runtime() {
    if (!probe_.seccomp) warn("seccomp", "not in this kernel", "pods run without a seccomp profile");
    if (!config_.node.runtime_endpoint.empty()) return ok("container runtime", config_.node.runtime_endpoint);
    for (const char* tool : {"containerd", "runc"}) {
      const auto found = probe_.tools.find(std::string_view(tool));
      if (found == probe_.tools.end())
        fail(tool, "not in the PATH", std::string("apt-get install ") + tool + ", or --container-runtime-endpoint of another runtime");
      else
        ok(tool, found->second);
    }
    if (!probe_.file_systems.contains("overlay"))
      fail("overlayfs", "not in this kernel", "modprobe overlay");
    else
      ok("overlayfs", "there");
  }
  void network() {
    if (probe_.cni_bin_dir.empty())
      fail("CNI plugins", "bridge, host-local, portmap and loopback are not in --cni-bin-dir", "apt-get install containernetworking-plugins");
    else
      ok("CNI plugins", probe_.cni_bin_dir);
    for (const std::string_view kind : needed_links)
      if (!probe_.link_kinds.contains(kind)) fail(std::string(kind), "such links cannot be made", "modprobe " + std::string(kind));
    if (config_.node.network_mode == "vxlan" && !probe_.link_kinds.contains("vxlan"))
      warn("vxlan", "such links cannot be made", "modprobe vxlan, or --network-mode=host-gw where nodes share a network");
    if (probe_.nftables) return ok("nftables", "there");
    if (config_.disabled("proxy")) return warn("nftables", "not in this kernel", "network policies need it");
    fail("nftables", "not in this kernel", "modprobe nf_tables, or --disable=proxy");
  }
  void inotify() {
    if (probe_.inotify_instances_max >= inotify_instances_min) return;
    warn("inotify", "fs.inotify.max_user_instances is " + std::to_string(probe_.inotify_instances_max),
         "sysctl -w fs.inotify.max_user_instances=1024: pods with many watchers run out");
  }

  const MachineProbe& probe_;
  const ClusterConfig& config_;
  std::vector<Finding> out_;
};

}  // namespace

std::vector<Finding> judge(const MachineProbe& probe, const ClusterConfig& config) { return Judge(probe, config).run(); }

bool has_failure(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.severity == Severity::Failure; });
}

std::string format_findings(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    const char* mark = finding.severity == Severity::Ok ? "[ ok ] " : finding.severity == Severity::Warning ? "[warn] " : "[FAIL] ";
    out += mark + finding.what + ": " + finding.detail + "\n";
    if (!finding.remedy.empty()) out += "       -> " + finding.remedy + "\n";
  }
  return out;
}

}  // namespace pintle::cli

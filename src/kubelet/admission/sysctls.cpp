#include "kubelet/admission/sysctls.h"

#include <algorithm>

#include "kubelet/admission/pod_admission.h"

namespace pintle::kubelet::admission {

namespace {

enum class Namespace { None, Ipc, Net };

// Namespaced, and without effect on other pods. Their kernels are all older than what we run on.
constexpr std::string_view safe_sysctls[] = {"kernel.shm_rmid_forced",
                                             "net.ipv4.ip_local_port_range",
                                             "net.ipv4.tcp_syncookies",
                                             "net.ipv4.ping_group_range",
                                             "net.ipv4.ip_unprivileged_port_start",
                                             "net.ipv4.ip_local_reserved_ports",
                                             "net.ipv4.tcp_keepalive_time",
                                             "net.ipv4.tcp_fin_timeout",
                                             "net.ipv4.tcp_keepalive_intvl",
                                             "net.ipv4.tcp_keepalive_probes",
                                             "net.ipv4.tcp_rmem",
                                             "net.ipv4.tcp_wmem"};

// "kernel/shm_rmid_forced" is written with dots; a name whose first separator is a dot keeps its slashes.
std::string normal_name(std::string_view name) {
  std::string out(name);
  const auto first = out.find_first_of("./");
  if (first == std::string::npos || out[first] == '.') return out;
  for (char& c : out) {
    if (c == '/') {
      c = '.';
    } else if (c == '.') {
      c = '/';
    }
  }
  return out;
}

Namespace namespace_of(std::string_view name) {
  if (name == "kernel.sem") return Namespace::Ipc;
  for (std::string_view prefix : {"kernel.shm", "kernel.msg", "fs.mqueue."})
    if (name.starts_with(prefix)) return Namespace::Ipc;
  return name.starts_with("net.") ? Namespace::Net : Namespace::None;
}

bool is_allowed(std::string_view name, const std::vector<std::string>& patterns) {
  if (std::ranges::find(safe_sysctls, name) != std::end(safe_sysctls)) return true;
  return std::ranges::any_of(patterns, [&](const std::string& text) {
    std::string pattern = normal_name(text);
    if (!pattern.ends_with('*')) return pattern == name;
    pattern.pop_back();
    return name.starts_with(pattern);
  });
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

Result<Unit> check_sysctls(const api::core_v1::Pod& pod, const std::vector<std::string>& allowed_unsafe) {
  if (!pod.spec.security_context) return Unit{};
  for (const auto& sysctl : pod.spec.security_context->sysctls) {
    const std::string name = normal_name(sysctl.name);
    if (!is_allowed(name, allowed_unsafe)) return error(Reason::Forbidden, "forbidden sysctl: " + quoted(name) + " not allowlisted");
    const Namespace where = namespace_of(name);
    if (where == Namespace::Ipc && pod.spec.host_ipc)
      return error(Reason::Forbidden, "forbidden sysctl: " + quoted(name) + " not allowed with host IPC enabled");
    if (where == Namespace::Net && pod.spec.host_network)
      return error(Reason::Forbidden, "forbidden sysctl: " + quoted(name) + " not allowed with host Net enabled");
  }
  return Unit{};
}

Result<Unit> check_sysctl_patterns(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns)
    if (namespace_of(normal_name(text)) == Namespace::None)
      return error(Reason::Invalid, "the sysctls " + quoted(text) + " are not known to be namespaced");
  return Unit{};
}

}  // namespace pintle::kubelet::admission

// Level baseline: what is known to give a pod its node.
#include <fmt/format.h>

#include <algorithm>

#include "apiserver/admission/pod_security/checks.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

using api::core_v1::SecurityContext;

// The names of the containers whose security context is bad.
template <class Bad>
std::vector<std::string> containers_that(const PodView& pod, Bad bad) {
  std::vector<std::string> out;
  for (const auto& container : pod.containers)
    if (container.security && bad(*container.security)) out.push_back(*container.name);
  return out;
}

// "pod and containers "a", "b"": who sets something bad; "" if nobody does.
std::string setters(bool pod_is_bad, const std::vector<std::string>& containers) {
  std::string out = pod_is_bad ? "pod" : "";
  if (!containers.empty()) out.append(out.empty() ? "" : " and ").append(containers_text(containers));
  return out;
}

Finding app_armor(const PodView& pod, int) {
  constexpr std::string_view annotation_prefix = "container.apparmor.security.beta.kubernetes.io/";
  std::vector<std::string> bad_values;
  const auto bad = [&](const auto& security) {
    if (!security.app_armor_profile) return false;
    const std::string& type = security.app_armor_profile->type;
    if (type == "RuntimeDefault" || type == "Localhost") return false;
    bad_values.push_back(type);
    return true;
  };
  const bool pod_is_bad = pod.spec.security_context && bad(*pod.spec.security_context);
  const auto containers = containers_that(pod, bad);
  std::string who = setters(pod_is_bad, containers);
  sort_unique(bad_values);
  std::size_t annotations = 0;
  for (const auto& [key, value] : pod.metadata.annotations) {
    if (!key.starts_with(annotation_prefix) || value.empty() || value == "runtime/default" || value.starts_with("localhost/")) continue;
    bad_values.push_back(fmt::format("{}=\"{}\"", key, value));
    ++annotations;
  }
  if (annotations > 0) who.append(who.empty() ? "" : " and ").append(plural(annotations, "annotation", "annotations"));
  if (who.empty()) return {};
  return {std::string(plural(bad_values.size(), "forbidden AppArmor profile", "forbidden AppArmor profiles")),
          fmt::format("{} must not set AppArmor profile type to {}", who, join_quoted(bad_values))};
}

Finding capabilities(const PodView& pod, int) {
  constexpr std::string_view allowed[] = {"AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
                                          "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
  std::vector<std::string> forbidden;
  const auto containers = containers_that(pod, [&](const SecurityContext& security) {
    if (!security.capabilities) return false;
    const std::size_t before = forbidden.size();
    for (const auto& capability : security.capabilities->add)
      if (std::find(std::begin(allowed), std::end(allowed), capability) == std::end(allowed)) forbidden.push_back(capability);
    return forbidden.size() > before;
  });
  if (containers.empty()) return {};
  sort_unique(forbidden);
  return {"non-default capabilities",
          fmt::format("{} must not include {} in securityContext.capabilities.add", containers_text(containers), join_quoted(forbidden))};
}

Finding host_namespaces(const PodView& pod, int) {
  std::vector<std::string> used;
  if (pod.spec.host_network) used.emplace_back("hostNetwork=true");
  if (pod.spec.host_pid) used.emplace_back("hostPID=true");
  if (pod.spec.host_ipc) used.emplace_back("hostIPC=true");
  if (used.empty()) return {};
  return {"host namespaces", fmt::format("{}", fmt::join(used, ", "))};
}

Finding host_path_volumes(const PodView& pod, int) {
  std::vector<std::string> volumes;
  for (const auto& volume : pod.spec.volumes)
    if (volume.host_path) volumes.push_back(volume.name);
  if (volumes.empty()) return {};
  return {"hostPath volumes", fmt::format("{} {}", plural(volumes.size(), "volume", "volumes"), join_quoted(volumes))};
}

Finding host_ports(const PodView& pod, int) {
  std::vector<std::string> containers, ports;
  for (const auto& container : pod.containers) {
    const std::size_t before = ports.size();
    for (const auto& port : *container.ports)
      if (port.host_port != 0) ports.push_back(std::to_string(port.host_port));
    if (ports.size() > before) containers.push_back(*container.name);
  }
  if (containers.empty()) return {};
  sort_unique(ports);
  return {"hostPort", fmt::format("{} {} {} {}", containers_text(containers), plural(containers.size(), "uses", "use"),
                                  plural(ports.size(), "hostPort", "hostPorts"), fmt::join(ports, ", "))};
}

template <class Handler>
void add_hosts(const Handler* handler, std::vector<std::string>& hosts) {
  if (!handler) return;
  if (handler->http_get && !handler->http_get->host.empty()) hosts.push_back(handler->http_get->host);
  if (handler->tcp_socket && !handler->tcp_socket->host.empty()) hosts.push_back(handler->tcp_socket->host);
}

Finding host_probes(const PodView& pod, int) {
  std::vector<std::string> containers, hosts;
  for (const auto& container : pod.containers) {
    const std::size_t before = hosts.size();
    for (const auto* probe : container.probes) add_hosts(probe, hosts);
    if (container.lifecycle) {
      add_hosts(container.lifecycle->post_start.get(), hosts);
      add_hosts(container.lifecycle->pre_stop.get(), hosts);
    }
    if (hosts.size() > before) containers.push_back(*container.name);
  }
  if (containers.empty()) return {};
  sort_unique(containers);
  sort_unique(hosts);
  return {"probe or lifecycle host", fmt::format("{} {} {} {}", containers_text(containers), plural(containers.size(), "uses", "use"),
                                                 plural(hosts.size(), "probe or lifecycle host", "probe or lifecycle hosts"), join_quoted(hosts))};
}

Finding privileged(const PodView& pod, int) {
  const auto containers = containers_that(pod, [](const SecurityContext& security) { return security.privileged.value_or(false); });
  if (containers.empty()) return {};
  return {"privileged", containers_text(containers) + " must not set securityContext.privileged=true"};
}

Finding proc_mount_baseline(const PodView& pod, int minor) {
  if (minor >= 35 && pod.in_user_namespace()) return {};
  return proc_mount(pod);
}

Finding se_linux(const PodView& pod, int minor) {
  std::vector<std::string> types;
  bool user = false;
  bool role = false;
  const auto bad = [&](const auto& security) {
    if (!security.se_linux_options) return false;
    const auto& options = *security.se_linux_options;
    const bool good_type = options.type.empty() || options.type == "container_t" || options.type == "container_init_t" ||
                           options.type == "container_kvm_t" || (minor >= 31 && options.type == "container_engine_t");
    if (!good_type) types.push_back(options.type);
    user = user || !options.user.empty();
    role = role || !options.role.empty();
    return !good_type || !options.user.empty() || !options.role.empty();
  };
  const bool pod_is_bad = pod.spec.security_context && bad(*pod.spec.security_context);
  const std::string who = setters(pod_is_bad, containers_that(pod, bad));
  if (who.empty()) return {};
  sort_unique(types);
  std::vector<std::string> what;
  if (!types.empty()) what.push_back(fmt::format("{} {}", plural(types.size(), "type", "types"), join_quoted(types)));
  if (user) what.emplace_back("user may not be set");
  if (role) what.emplace_back("role may not be set");
  return {"seLinuxOptions", fmt::format("{} set forbidden securityContext.seLinuxOptions: {}", who, fmt::join(what, "; "))};
}

Finding seccomp_annotations(const PodView& pod) {
  std::vector<std::string> forbidden;
  const auto look = [&](const std::string& key) {
    const std::string* value = pod.metadata.annotations.get(key);
    if (value && *value != "runtime/default" && *value != "docker/default" && !value->starts_with("localhost/"))
      forbidden.push_back(fmt::format("{}=\"{}\"", key, *value));
  };
  look("seccomp.security.alpha.kubernetes.io/pod");
  for (const auto& container : pod.containers) look("container.seccomp.security.alpha.kubernetes.io/" + *container.name);
  if (forbidden.empty()) return {};
  sort_unique(forbidden);
  return {"seccompProfile", fmt::format("forbidden {} {}", plural(forbidden.size(), "annotation", "annotations"), fmt::join(forbidden, ", "))};
}

Finding seccomp(const PodView& pod, int minor) {
  if (minor < 19) return seccomp_annotations(pod);
  std::vector<std::string> values;
  const auto bad = [&](const auto& security) {
    if (!security.seccomp_profile || good_seccomp(security.seccomp_profile->type)) return false;
    values.push_back(security.seccomp_profile->type);
    return true;
  };
  const bool pod_is_bad = pod.spec.security_context && bad(*pod.spec.security_context);
  const std::string who = setters(pod_is_bad, containers_that(pod, bad));
  if (who.empty()) return {};
  sort_unique(values);
  return {"seccompProfile", fmt::format("{} must not set securityContext.seccompProfile.type to {}", who, join_quoted(values))};
}

Finding sysctls(const PodView& pod, int minor) {
  struct Allowed {
    std::string_view name;
    int since_minor;
  };
  constexpr Allowed allowed[] = {
      {"kernel.shm_rmid_forced", 0},
      {"net.ipv4.ip_local_port_range", 0},
      {"net.ipv4.tcp_syncookies", 0},
      {"net.ipv4.ping_group_range", 0},
      {"net.ipv4.ip_unprivileged_port_start", 0},
      {"net.ipv4.ip_local_reserved_ports", 27},
      {"net.ipv4.tcp_keepalive_time", 29},
      {"net.ipv4.tcp_fin_timeout", 29},
      {"net.ipv4.tcp_keepalive_intvl", 29},
      {"net.ipv4.tcp_keepalive_probes", 29},
      {"net.ipv4.tcp_rmem", 32},
      {"net.ipv4.tcp_wmem", 32},
  };
  std::vector<std::string> forbidden;
  if (pod.spec.security_context)
    for (const auto& sysctl : pod.spec.security_context->sysctls)
      if (std::none_of(std::begin(allowed), std::end(allowed), [&](const Allowed& a) { return a.name == sysctl.name && a.since_minor <= minor; }))
        forbidden.push_back(sysctl.name);
  if (forbidden.empty()) return {};
  return {"forbidden sysctls", fmt::format("{}", fmt::join(forbidden, ", "))};
}

Finding windows_host_process(const PodView& pod, int) {
  const auto bad = [](const auto& security) { return security.windows_options && security.windows_options->host_process.value_or(false); };
  const bool pod_is_bad = pod.spec.security_context && bad(*pod.spec.security_context);
  const std::string who = setters(pod_is_bad, containers_that(pod, bad));
  if (who.empty()) return {};
  return {"hostProcess", who + " must not set securityContext.windowsOptions.hostProcess=true"};
}

constexpr Check checks[] = {
    {"appArmorProfile", 0, "", app_armor},
    {"capabilities_baseline", 0, "capabilities_restricted", capabilities},
    {"hostNamespaces", 0, "", host_namespaces},
    {"hostPathVolumes", 0, "restrictedVolumes", host_path_volumes},
    {"hostPorts", 0, "", host_ports},
    {"hostProbesAndHostLifecycle", 34, "", host_probes},
    {"privileged", 0, "", privileged},
    {"procMount", 0, "procMount_restricted", proc_mount_baseline},
    {"seLinuxOptions", 0, "", se_linux},
    {"seccompProfile_baseline", 0, "seccompProfile_restricted", seccomp},
    {"sysctls", 0, "", sysctls},
    {"windowsHostProcess", 0, "", windows_host_process},
};

}  // namespace

std::span<const Check> baseline_checks() { return checks; }

Finding proc_mount(const PodView& pod) {
  std::vector<std::string> types;
  const auto containers = containers_that(pod, [&](const SecurityContext& security) {
    if (!security.proc_mount || *security.proc_mount == "Default") return false;
    types.push_back(*security.proc_mount);
    return true;
  });
  if (containers.empty()) return {};
  sort_unique(types);
  return {"procMount", fmt::format("{} must not set securityContext.procMount to {}", containers_text(containers), join_quoted(types))};
}

bool good_seccomp(std::string_view type) { return type == "RuntimeDefault" || type == "Localhost"; }

}  // namespace pintle::apiserver::admission::pod_security

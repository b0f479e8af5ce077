#include <algorithm>
#include <set>

#include "kubelet/container_config/container_config.h"
#include "kubelet/container_config/dns.h"
#include "kubelet/container_config/hostname.h"
#include "kubelet/container_config/linux_resources.h"
#include "kubelet/container_config/security.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

int32_t protocol_of(std::string_view name) {
  if (name == "UDP") return cri_v1::Protocol::Udp;
  if (name == "SCTP") return cri_v1::Protocol::Sctp;
  return cri_v1::Protocol::Tcp;
}

// A name (or, without one, the same family, protocol, address and ports) counts once in a container.
void add_ports(const core::Container& container, std::vector<cri_v1::PortMapping>& out) {
  std::set<std::string> seen;
  for (const core::ContainerPort& port : container.ports) {
    std::string name = port.name;
    if (name.empty()) {
      const std::string_view family = port.host_ip.empty() ? "any" : port.host_ip.find(':') == std::string::npos ? "v4" : "v6";
      name = std::string(family) + "-" + port.protocol + "-" + port.host_ip + ":" + std::to_string(port.container_port) + ":" +
             std::to_string(port.host_port);
    }
    if (!seen.insert(std::move(name)).second) continue;
    cri_v1::PortMapping& mapping = out.emplace_back();
    mapping.protocol = protocol_of(port.protocol);
    mapping.container_port = port.container_port;
    mapping.host_port = port.host_port;
    mapping.host_ip = port.host_ip;
  }
}

bool is_privileged(const core::Container& container) { return container.security_context && container.security_context->privileged.value_or(false); }

bool has_privileged_container(const core::PodSpec& spec) {
  return std::ranges::any_of(spec.containers, is_privileged) || std::ranges::any_of(spec.init_containers, is_privileged);
}

Result<cri_v1::LinuxSandboxSecurityContext> sandbox_security(const SandboxInputs& in) {
  cri_v1::LinuxSandboxSecurityContext out;
  out.privileged = has_privileged_container(in.pod.spec);
  // The sandbox itself needs little: always the runtime's profile.
  out.seccomp.emplace().profile_type = cri_v1::ProfileType::RuntimeDefault;
  TRY_ASSIGN(cri_v1::NamespaceOption namespaces, namespace_options(in.pod, in.node, in.user_namespace));
  out.namespace_options = std::move(namespaces);
  if (!in.pod.spec.security_context) return out;
  const core::PodSecurityContext& context = *in.pod.spec.security_context;
  if (context.run_as_user) out.run_as_user.emplace().value = *context.run_as_user;
  if (context.run_as_group) out.run_as_group.emplace().value = *context.run_as_group;
  if (context.fs_group) out.supplemental_groups.push_back(*context.fs_group);
  out.supplemental_groups.insert(out.supplemental_groups.end(), context.supplemental_groups.begin(), context.supplemental_groups.end());
  TRY_ASSIGN(out.supplemental_groups_policy, supplemental_groups_policy(context));
  if (context.se_linux_options) {
    cri_v1::SELinuxOption& options = out.selinux_options.emplace();
    options.user = context.se_linux_options->user;
    options.role = context.se_linux_options->role;
    options.type = context.se_linux_options->type;
    options.level = context.se_linux_options->level;
  }
  return out;
}

}  // namespace

Result<SandboxConfig> make_sandbox_config(const SandboxInputs& in) {
  SandboxConfig out;
  cri_v1::PodSandboxConfig& config = out.config;
  const api::meta_v1::ObjectMeta& meta = in.pod.metadata;
  cri_v1::PodSandboxMetadata& metadata = config.metadata.emplace();
  metadata.name = meta.name;
  metadata.namespace_ = meta.namespace_;
  metadata.uid = meta.uid;
  metadata.attempt = in.attempt;
  config.labels = meta.labels;
  config.labels[labels::pod_name] = meta.name;
  config.labels[labels::pod_namespace] = meta.namespace_;
  config.labels[labels::pod_uid] = meta.uid;
  config.annotations = meta.annotations;
  TRY_ASSIGN(cri_v1::DNSConfig dns, make_dns_config(in.pod, in.node, out.warnings));
  config.dns_config = std::move(dns);
  if (!in.pod.spec.host_network) {
    TRY_ASSIGN(const PodHostname hostname, pod_hostname(in.pod, in.node.cluster_domain));
    TRY_ASSIGN(config.hostname, kernel_hostname(in.pod, hostname));
  }
  config.log_directory = in.node.paths.pod_log(meta.namespace_, meta.name, meta.uid);
  for (const core::Container& container : in.pod.spec.containers) add_ports(container, config.port_mappings);
  cri_v1::LinuxPodSandboxConfig& linux_config = config.linux.emplace();
  linux_config.cgroup_parent = in.cgroup_parent;
  TRY_ASSIGN(cri_v1::LinuxSandboxSecurityContext security, sandbox_security(in));
  linux_config.security_context = std::move(security);
  if (in.pod.spec.security_context)
    for (const core::Sysctl& sysctl : in.pod.spec.security_context->sysctls) linux_config.sysctls[sysctl.name] = sysctl.value;
  linux_config.resources = sandbox_resources(in.pod, in.node);
  linux_config.overhead = overhead_resources(in.pod, in.node);
  return out;
}

}  // namespace pintle::kubelet::container_config

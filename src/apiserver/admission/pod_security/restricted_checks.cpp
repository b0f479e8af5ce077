// Level restricted: current best practice of hardening, on top of baseline.
#include <fmt/format.h>

#include <algorithm>

#include "apiserver/admission/pod_security/checks.h"

namespace pintle::apiserver::admission::pod_security {
namespace {

Finding privilege_escalation(const PodView& pod, int minor) {
  if (minor >= 25 && pod.windows()) return {};
  std::vector<std::string> containers;
  for (const auto& container : pod.containers)
    if (!container.security || container.security->allow_privilege_escalation.value_or(true)) containers.push_back(*container.name);
  if (containers.empty()) return {};
  return {"allowPrivilegeEscalation != false", containers_text(containers) + " must set securityContext.allowPrivilegeEscalation=false"};
}

Finding capabilities(const PodView& pod, int minor) {
  if (minor >= 25 && pod.windows()) return {};
  std::vector<std::string> not_dropping, adding, forbidden;
  for (const auto& container : pod.containers) {
    const auto* capabilities = container.security ? container.security->capabilities.get() : nullptr;
    if (!capabilities || std::find(capabilities->drop.begin(), capabilities->drop.end(), "ALL") == capabilities->drop.end())
      not_dropping.push_back(*container.name);
    if (!capabilities) continue;
    const std::size_t before = forbidden.size();
    for (const auto& capability : capabilities->add)
      if (capability != "NET_BIND_SERVICE") forbidden.push_back(capability);
    if (forbidden.size() > before) adding.push_back(*container.name);
  }
  std::vector<std::string> what;
  if (!not_dropping.empty()) what.push_back(containers_text(not_dropping) + " must set securityContext.capabilities.drop=[\"ALL\"]");
  if (!adding.empty()) {
    sort_unique(forbidden);
    what.push_back(fmt::format("{} must not include {} in securityContext.capabilities.add", containers_text(adding), join_quoted(forbidden)));
  }
  if (what.empty()) return {};
  return {"unrestricted capabilities", fmt::format("{}", fmt::join(what, "; "))};
}

Finding proc_mount_restricted(const PodView& pod, int) { return proc_mount(pod); }

// The name of a volume's source, if it is not one of those allowed.
std::string_view restricted_source(const api::core_v1::Volume& v) {
  if (v.config_map || v.csi || v.downward_api || v.empty_dir || v.ephemeral || v.image || v.persistent_volume_claim || v.projected || v.secret)
    return "";
  if (v.host_path) return "hostPath";
  if (v.gce_persistent_disk) return "gcePersistentDisk";
  if (v.aws_elastic_block_store) return "awsElasticBlockStore";
  if (v.git_repo) return "gitRepo";
  if (v.nfs) return "nfs";
  if (v.iscsi) return "iscsi";
  if (v.glusterfs) return "glusterfs";
  if (v.rbd) return "rbd";
  if (v.flex_volume) return "flexVolume";
  if (v.cinder) return "cinder";
  if (v.cephfs) return "cephfs";
  if (v.flocker) return "flocker";
  if (v.fc) return "fc";
  if (v.azure_file) return "azureFile";
  if (v.vsphere_volume) return "vsphereVolume";
  if (v.quobyte) return "quobyte";
  if (v.azure_disk) return "azureDisk";
  if (v.photon_persistent_disk) return "photonPersistentDisk";
  if (v.portworx_volume) return "portworxVolume";
  if (v.scale_io) return "scaleIO";
  if (v.storageos) return "storageos";
  return "unknown";
}

Finding volumes(const PodView& pod, int) {
  std::vector<std::string> names, types;
  for (const auto& volume : pod.spec.volumes) {
    const std::string_view source = restricted_source(volume);
    if (source.empty()) continue;
    names.push_back(volume.name);
    types.emplace_back(source);
  }
  if (names.empty()) return {};
  sort_unique(types);
  return {"restricted volume types",
          fmt::format("{} {} {} {} {}", plural(names.size(), "volume", "volumes"), join_quoted(names), plural(names.size(), "uses", "use"),
                      plural(types.size(), "restricted volume type", "restricted volume types"), join_quoted(types))};
}

Finding run_as_non_root(const PodView& pod, int minor) {
  if (minor >= 35 && pod.in_user_namespace()) return {};
  const auto pod_value = pod.spec.security_context ? pod.spec.security_context->run_as_non_root : std::nullopt;
  std::vector<std::string> against, silent;
  for (const auto& container : pod.containers) {
    const auto value = container.security ? container.security->run_as_non_root : std::nullopt;
    if (value && !*value) against.push_back(*container.name);
    if (!value && !pod_value.value_or(false)) silent.push_back(*container.name);
  }
  std::string who = pod_value && !*pod_value ? "pod" : "";
  if (!against.empty()) who.append(who.empty() ? "" : " and ").append(containers_text(against));
  if (!who.empty()) return {"runAsNonRoot != true", who + " must not set securityContext.runAsNonRoot=false"};
  if (silent.empty()) return {};
  return {"runAsNonRoot != true", "pod or " + containers_text(silent) + " must set securityContext.runAsNonRoot=true"};
}

Finding run_as_user(const PodView& pod, int minor) {
  if (minor >= 35 && pod.in_user_namespace()) return {};
  const auto is_root = [](const auto& security) { return security.run_as_user && *security.run_as_user == 0; };
  std::string who = pod.spec.security_context && is_root(*pod.spec.security_context) ? "pod" : "";
  std::vector<std::string> containers;
  for (const auto& container : pod.containers)
    if (container.security && is_root(*container.security)) containers.push_back(*container.name);
  if (!containers.empty()) who.append(who.empty() ? "" : " and ").append(containers_text(containers));
  if (who.empty()) return {};
  return {"runAsUser=0", who + " must not set runAsUser=0"};
}

Finding seccomp(const PodView& pod, int minor) {
  if (minor >= 25 && pod.windows()) return {};
  const auto* of_pod = pod.spec.security_context ? pod.spec.security_context->seccomp_profile.get() : nullptr;
  std::vector<std::string> bad, silent, values;
  for (const auto& container : pod.containers) {
    const auto* profile = container.security ? container.security->seccomp_profile.get() : nullptr;
    if (profile && !good_seccomp(profile->type)) {
      bad.push_back(*container.name);
      values.push_back(profile->type);
    }
    if (!profile && !of_pod) silent.push_back(*container.name);
  }
  std::string who;
  if (of_pod && !good_seccomp(of_pod->type)) {
    who = "pod";
    values.push_back(of_pod->type);
  }
  if (!bad.empty()) who.append(who.empty() ? "" : " and ").append(containers_text(bad));
  if (!who.empty()) {
    sort_unique(values);
    return {"seccompProfile", fmt::format("{} must not set securityContext.seccompProfile.type to {}", who, join_quoted(values))};
  }
  if (silent.empty()) return {};
  return {"seccompProfile",
          "pod or " + containers_text(silent) + " must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""};
}

constexpr Check checks[] = {
    {"allowPrivilegeEscalation", 8, "", privilege_escalation},
    {"capabilities_restricted", 22, "", capabilities},
    {"procMount_restricted", 35, "", proc_mount_restricted},
    {"restrictedVolumes", 0, "", volumes},
    {"runAsNonRoot", 0, "", run_as_non_root},
    {"runAsUser", 23, "", run_as_user},
    {"seccompProfile_restricted", 19, "", seccomp},
};

}  // namespace

std::span<const Check> restricted_checks() { return checks; }

}  // namespace pintle::apiserver::admission::pod_security

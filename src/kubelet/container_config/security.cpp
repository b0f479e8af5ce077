#include "kubelet/container_config/security.h"

#include <limits>

#include "codec/json_text.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

constexpr const char* masked_paths[] = {"/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
                                        "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                                        "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap"};
constexpr const char* read_only_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

std::string shown(const core::Pod& pod, const core::Container& container) {
  const std::string name = pod.metadata.name + "_" + pod.metadata.namespace_ + "(" + pod.metadata.uid + ")";
  return "(pod: " + codec::go_quote(name) + ", container: " + container.name + ")";
}

Box<cri_v1::Int64Value> boxed(const std::optional<int64_t>& value) {
  Box<cri_v1::Int64Value> out;
  if (value) out.emplace().value = *value;
  return out;
}

Box<cri_v1::SELinuxOption> selinux(const Box<core::SELinuxOptions>& options) {
  Box<cri_v1::SELinuxOption> out;
  if (!options) return out;
  cri_v1::SELinuxOption& to = out.emplace();
  to.user = options->user;
  to.role = options->role;
  to.type = options->type;
  to.level = options->level;
  return out;
}

cri_v1::SecurityProfile profile(int32_t type, std::string localhost = {}) {
  cri_v1::SecurityProfile out;
  out.profile_type = type;
  out.localhost_ref = std::move(localhost);
  return out;
}

Result<cri_v1::SecurityProfile> seccomp(const core::Pod& pod, const core::Container& container, const NodeConfig& node) {
  const core::SeccompProfile* chosen = nullptr;
  if (pod.spec.security_context && pod.spec.security_context->seccomp_profile) chosen = pod.spec.security_context->seccomp_profile.get();
  if (container.security_context && container.security_context->seccomp_profile) chosen = container.security_context->seccomp_profile.get();
  if (!chosen) return profile(node.seccomp_default ? cri_v1::ProfileType::RuntimeDefault : cri_v1::ProfileType::Unconfined);
  if (chosen->type == "RuntimeDefault") return profile(cri_v1::ProfileType::RuntimeDefault);
  if (chosen->type != "Localhost") return profile(cri_v1::ProfileType::Unconfined);
  if (!chosen->localhost_profile || chosen->localhost_profile->empty())
    return error(Reason::Invalid, "localhostProfile must be set if seccompProfile type is Localhost.");
  return profile(cri_v1::ProfileType::Localhost, node.paths.seccomp() + "/" + *chosen->localhost_profile);
}

Result<Unit> set_apparmor(const core::Pod& pod, const core::Container& container, cri_v1::LinuxContainerSecurityContext& out) {
  const core::AppArmorProfile* chosen = nullptr;
  if (pod.spec.security_context && pod.spec.security_context->app_armor_profile) chosen = pod.spec.security_context->app_armor_profile.get();
  if (container.security_context && container.security_context->app_armor_profile) chosen = container.security_context->app_armor_profile.get();
  if (!chosen) return Unit{};
  // Older runtimes read the second form.
  if (chosen->type == "RuntimeDefault") {
    out.apparmor = profile(cri_v1::ProfileType::RuntimeDefault);
    out.apparmor_profile = "runtime/default";
  } else if (chosen->type == "Unconfined") {
    out.apparmor = profile(cri_v1::ProfileType::Unconfined);
    out.apparmor_profile = "unconfined";
  } else if (chosen->type == "Localhost") {
    if (!chosen->localhost_profile) return error(Reason::Invalid, "missing localhost apparmor profile name");
    out.apparmor = profile(cri_v1::ProfileType::Localhost, *chosen->localhost_profile);
    out.apparmor_profile = "localhost/" + *chosen->localhost_profile;
  } else {
    return error(Reason::Invalid, "unknown apparmor profile type: " + codec::go_quote(chosen->type));
  }
  return Unit{};
}

cri_v1::UserNamespace own_users(const UserNamespaceRange& range) {
  cri_v1::IDMapping mapping;
  mapping.host_id = range.host_id;
  mapping.container_id = 0;
  mapping.length = range.length;
  cri_v1::UserNamespace out;
  out.mode = cri_v1::NamespaceMode::Pod;
  out.uids = {mapping};
  out.gids = {mapping};
  return out;
}

void set_groups(const core::Pod& pod, cri_v1::LinuxContainerSecurityContext& out) {
  const core::PodSecurityContext& context = *pod.spec.security_context;
  if (context.fs_group) out.supplemental_groups.push_back(*context.fs_group);
  out.supplemental_groups.insert(out.supplemental_groups.end(), context.supplemental_groups.begin(), context.supplemental_groups.end());
}

template <class T>
void override_with(std::optional<T>& base, const std::optional<T>& own) {
  if (own) base = own;
}

}  // namespace

core::SecurityContext effective_security_context(const core::Pod& pod, const core::Container& container) {
  core::SecurityContext out;
  if (pod.spec.security_context) {
    const core::PodSecurityContext& base = *pod.spec.security_context;
    out.se_linux_options = base.se_linux_options;
    out.run_as_user = base.run_as_user;
    out.run_as_group = base.run_as_group;
    out.run_as_non_root = base.run_as_non_root;
  }
  if (!container.security_context) return out;
  const core::SecurityContext& own = *container.security_context;
  if (own.se_linux_options) out.se_linux_options = own.se_linux_options;
  if (own.capabilities) out.capabilities = own.capabilities;
  override_with(out.privileged, own.privileged);
  override_with(out.run_as_user, own.run_as_user);
  override_with(out.run_as_group, own.run_as_group);
  override_with(out.run_as_non_root, own.run_as_non_root);
  override_with(out.read_only_root_filesystem, own.read_only_root_filesystem);
  override_with(out.allow_privilege_escalation, own.allow_privilege_escalation);
  override_with(out.proc_mount, own.proc_mount);
  return out;
}

Result<Unit> check_non_root(const core::Pod& pod, const core::Container& container, const core::SecurityContext& effective,
                            std::optional<int64_t> image_uid, const std::string& image_username) {
  if (!effective.run_as_non_root.value_or(false)) return Unit{};
  if (effective.run_as_user) {
    if (*effective.run_as_user == 0) return error(Reason::Forbidden, "container's runAsUser breaks non-root policy " + shown(pod, container));
    return Unit{};
  }
  if (!image_uid && !image_username.empty())
    return error(Reason::Forbidden, "container has runAsNonRoot and image has non-numeric user (" + image_username +
                                        "), cannot verify user is non-root " + shown(pod, container));
  if (!image_uid) return Unit{};
  if (*image_uid == 0) return error(Reason::Forbidden, "container has runAsNonRoot and image will run as root " + shown(pod, container));
  constexpr int64_t uid_max = std::numeric_limits<int32_t>::max();
  if (*image_uid < 0 || *image_uid > uid_max)
    return error(Reason::Forbidden, "container has runAsNonRoot and image has an invalid user id (" + std::to_string(*image_uid) + "). (Must be 1-(" +
                                        std::to_string(uid_max) + ")): must be between 0 and " + std::to_string(uid_max) + ", inclusive " +
                                        shown(pod, container));
  return Unit{};
}

Result<cri_v1::NamespaceOption> namespace_options(const core::Pod& pod, const NodeConfig& node, const std::optional<UserNamespaceRange>& range) {
  cri_v1::NamespaceOption out;
  out.network = pod.spec.host_network ? cri_v1::NamespaceMode::Node : cri_v1::NamespaceMode::Pod;
  out.ipc = pod.spec.host_ipc ? cri_v1::NamespaceMode::Node : cri_v1::NamespaceMode::Pod;
  if (pod.spec.host_pid)
    out.pid = cri_v1::NamespaceMode::Node;
  else
    out.pid = pod.spec.share_process_namespace.value_or(false) ? cri_v1::NamespaceMode::Pod : cri_v1::NamespaceMode::Container;
  const bool host_users = pod.spec.host_users.value_or(true);
  if (!host_users && !node.user_namespaces)
    return error(Reason::Invalid,
                 "RuntimeClass handler " + codec::go_quote(pod.spec.runtime_class_name.value_or("")) + " does not support user namespaces");
  if (!node.user_namespaces) return out;
  if (host_users)
    out.userns_options.emplace().mode = cri_v1::NamespaceMode::Node;
  else if (range)
    out.userns_options = own_users(*range);
  else
    return error(Reason::InternalError, "no user namespace range was given to the pod");
  return out;
}

Result<int32_t> supplemental_groups_policy(const core::PodSecurityContext& context) {
  if (!context.supplemental_groups_policy || *context.supplemental_groups_policy == "Merge") return cri_v1::SupplementalGroupsPolicy::Merge;
  if (*context.supplemental_groups_policy == "Strict") return cri_v1::SupplementalGroupsPolicy::Strict;
  return error(Reason::Invalid, "unsupported supplementalGroupsPolicy: " + *context.supplemental_groups_policy);
}

Result<cri_v1::LinuxContainerSecurityContext> make_security_context(const ContainerInputs& in) {
  const core::SecurityContext effective = effective_security_context(in.pod, in.container);
  // An image that names no user runs as root.
  std::optional<int64_t> image_uid = in.image_uid;
  if (!image_uid && in.image_username.empty()) image_uid = 0;
  TRY(check_non_root(in.pod, in.container, effective, image_uid, in.image_username));
  cri_v1::LinuxContainerSecurityContext out;
  if (effective.capabilities) {
    cri_v1::Capability& capabilities = out.capabilities.emplace();
    capabilities.add_capabilities = effective.capabilities->add;
    capabilities.drop_capabilities = effective.capabilities->drop;
  }
  out.selinux_options = selinux(effective.se_linux_options);
  out.run_as_user = boxed(effective.run_as_user);
  out.run_as_group = boxed(effective.run_as_group);
  out.privileged = effective.privileged.value_or(false);
  out.readonly_rootfs = effective.read_only_root_filesystem.value_or(false);
  TRY_ASSIGN(cri_v1::SecurityProfile seccomp_profile, seccomp(in.pod, in.container, in.node));
  out.seccomp = std::move(seccomp_profile);
  TRY(set_apparmor(in.pod, in.container, out));
  if (!out.run_as_user) {
    out.run_as_user = boxed(image_uid);
    out.run_as_username = in.image_username;
  }
  TRY_ASSIGN(cri_v1::NamespaceOption namespaces, namespace_options(in.pod, in.node, in.user_namespace));
  if (!in.target_container_id.empty() && namespaces.pid == cri_v1::NamespaceMode::Container) {
    namespaces.pid = cri_v1::NamespaceMode::Target;
    namespaces.target_id = in.target_container_id;
  }
  out.namespace_options = std::move(namespaces);
  if (in.pod.spec.security_context) {
    set_groups(in.pod, out);
    TRY_ASSIGN(out.supplemental_groups_policy, supplemental_groups_policy(*in.pod.spec.security_context));
  }
  out.supplemental_groups.insert(out.supplemental_groups.end(), in.volume_groups.begin(), in.volume_groups.end());
  out.no_new_privs = effective.allow_privilege_escalation && !*effective.allow_privilege_escalation;
  if (effective.proc_mount.value_or("Default") != "Unmasked") {
    out.masked_paths.assign(std::begin(masked_paths), std::end(masked_paths));
    out.masked_paths.insert(out.masked_paths.end(), in.node.more_masked_paths.begin(), in.node.more_masked_paths.end());
    out.readonly_paths.assign(std::begin(read_only_paths), std::end(read_only_paths));
  }
  return out;
}

}  // namespace pintle::kubelet::container_config

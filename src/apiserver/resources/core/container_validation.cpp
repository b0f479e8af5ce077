#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/strings.h"
#include "rules/pod_resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

constexpr std::array<std::string_view, 3> protocols{"SCTP", "TCP", "UDP"};
constexpr std::array<std::string_view, 3> pull_policies{"Always", "IfNotPresent", "Never"};
constexpr std::array<std::string_view, 2> message_policies{"File", "FallbackToLogsOnError"};
constexpr std::array<std::string_view, 3> propagations{"Bidirectional", "HostToContainer", "None"};
constexpr std::array<std::string_view, 2> schemes{"HTTP", "HTTPS"};
constexpr std::array<std::string_view, 10> env_field_paths{"metadata.annotations", "metadata.labels", "metadata.name",           "metadata.namespace",
                                                           "metadata.uid",         "spec.nodeName",   "spec.serviceAccountName", "status.hostIP",
                                                           "status.podIP",         "status.podIPs"};

void non_negative(int64_t value, const FieldPath& path, FieldErrors& errors) {
  if (value < 0) errors.invalid(path, value, "must be greater than or equal to 0");
}

void validate_ports(const std::vector<core::ContainerPort>& ports, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const core::ContainerPort& port = ports[i];
    const FieldPath at = path.index(i);
    if (!port.name.empty()) {
      if (const Faults faults = check_port_name(port.name); !faults.empty()) {
        errors.invalid_all(at.child("name"), port.name, faults);
      } else if (!names.insert(port.name).second) {
        errors.duplicate(at.child("name"), port.name);
      }
    }
    if (port.container_port == 0) {
      errors.required(at.child("containerPort"));
    } else {
      errors.invalid_all(at.child("containerPort"), port.container_port, check_port_number(port.container_port));
    }
    if (port.host_port != 0) errors.invalid_all(at.child("hostPort"), port.host_port, check_port_number(port.host_port));
    if (port.protocol.empty()) {
      errors.required(at.child("protocol"));
    } else if (!contains(protocols, port.protocol)) {
      errors.not_supported(at.child("protocol"), port.protocol, protocols);
    }
  }
}

void validate_value_from(const core::EnvVar& env, const FieldPath& path, FieldErrors& errors) {
  const core::EnvVarSource& source = *env.value_from;
  int given = 0;
  if (source.field_ref) {
    ++given;
    const std::string_view field = source.field_ref->field_path;
    if (field.empty()) {
      errors.required(path.child("fieldRef", "fieldPath"));
    } else if (!contains(env_field_paths, field.substr(0, field.find('['))) && field != "status.hostIPs") {
      errors.not_supported(path.child("fieldRef", "fieldPath"), field, env_field_paths);
    }
  }
  if (source.resource_field_ref) {
    ++given;
    if (source.resource_field_ref->resource.empty()) errors.required(path.child("resourceFieldRef", "resource"));
  }
  if (source.config_map_key_ref) {
    ++given;
    if (source.config_map_key_ref->name.empty()) errors.required(path.child("configMapKeyRef", "name"));
    if (source.config_map_key_ref->key.empty()) {
      errors.required(path.child("configMapKeyRef", "key"));
    } else {
      errors.invalid_all(path.child("configMapKeyRef", "key"), source.config_map_key_ref->key, check_config_map_key(source.config_map_key_ref->key));
    }
  }
  if (source.secret_key_ref) {
    ++given;
    if (source.secret_key_ref->name.empty()) errors.required(path.child("secretKeyRef", "name"));
    if (source.secret_key_ref->key.empty()) {
      errors.required(path.child("secretKeyRef", "key"));
    } else {
      errors.invalid_all(path.child("secretKeyRef", "key"), source.secret_key_ref->key, check_config_map_key(source.secret_key_ref->key));
    }
  }
  given += source.file_key_ref.has_value();
  if (given == 0) errors.invalid(path, "", "must say one source");
  if (!env.value.empty()) {
    if (given != 0) errors.invalid(path, "", "may not be given together with value");
  } else if (given > 1) {
    errors.invalid(path, "", "may not have more than one source");
  }
}

void validate_env(const std::vector<core::EnvVar>& env, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < env.size(); ++i) {
    const FieldPath at = path.index(i);
    if (env[i].name.empty()) {
      errors.required(at.child("name"));
    } else {
      errors.invalid_all(at.child("name"), env[i].name, check_env_var_name(env[i].name));
    }
    if (env[i].value_from) validate_value_from(env[i], at.child("valueFrom"), errors);
  }
}

void validate_env_from(const std::vector<core::EnvFromSource>& sources, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const FieldPath at = path.index(i);
    if (!sources[i].prefix.empty()) errors.invalid_all(at.child("prefix"), sources[i].prefix, check_env_var_name(sources[i].prefix));
    const auto reference = [&](std::string_view field, const std::string& name) {
      if (name.empty()) {
        errors.required(at.child(field, "name"));
      } else {
        errors.invalid_all(at.child(field, "name"), name, check_dns_subdomain(name));
      }
    };
    if (sources[i].config_map_ref) reference("configMapRef", sources[i].config_map_ref->name);
    if (sources[i].secret_ref) reference("secretRef", sources[i].secret_ref->name);
    if (!sources[i].config_map_ref && !sources[i].secret_ref) errors.invalid(at, "", "must give configMapRef or secretRef");
    if (sources[i].config_map_ref && sources[i].secret_ref) errors.invalid(at, "", "may not have more than one source");
  }
}

void validate_port_reference(const api::IntOrString& port, const FieldPath& path, FieldErrors& errors) {
  if (port.is_string) {
    errors.invalid_all(path, port.string_value, check_port_name(port.string_value));
  } else {
    errors.invalid_all(path, port.int_value, check_port_number(port.int_value));
  }
}

void validate_http_get(const core::HTTPGetAction& action, const FieldPath& path, FieldErrors& errors) {
  if (action.path.empty()) errors.required(path.child("path"));
  validate_port_reference(action.port, path.child("port"), errors);
  if (!contains(schemes, action.scheme)) errors.not_supported(path.child("scheme"), action.scheme, schemes);
  for (std::size_t i = 0; i < action.http_headers.size(); ++i)
    errors.invalid_all(path.child("httpHeaders").index(i).child("name"), action.http_headers[i].name,
                       check_http_header_name(action.http_headers[i].name));
}

// The actions that probes and hooks share. Returns how many are given.
template <class Handler>
int validate_actions(const Handler& handler, const FieldPath& path, FieldErrors& errors) {
  int given = 0;
  const auto count = [&](std::string_view name) {
    if (++given > 1) errors.forbidden(path.child(name), "may not specify more than 1 handler type");
    return given == 1;
  };
  if (handler.exec && count("exec") && handler.exec->command.empty()) errors.required(path.child("exec", "command"));
  if (handler.http_get && count("httpGet")) validate_http_get(*handler.http_get, path.child("httpGet"), errors);
  if (handler.tcp_socket && count("tcpSocket")) validate_port_reference(handler.tcp_socket->port, path.child("tcpSocket", "port"), errors);
  if constexpr (requires { handler.grpc; }) {
    if (handler.grpc && count("grpc")) errors.invalid_all(path.child("grpc", "port"), handler.grpc->port, check_port_number(handler.grpc->port));
  }
  if constexpr (requires { handler.sleep; }) {
    if (handler.sleep && count("sleep") && handler.sleep->seconds < 0)
      errors.invalid(path.child("sleep"), handler.sleep->seconds, "must not be negative");
  }
  if (given == 0) errors.required(path, "must specify a handler type");
  return given;
}

void validate_probe(const core::Probe& probe, const FieldPath& path, FieldErrors& errors) {
  validate_actions(probe, path, errors);
  non_negative(probe.initial_delay_seconds, path.child("initialDelaySeconds"), errors);
  non_negative(probe.timeout_seconds, path.child("timeoutSeconds"), errors);
  non_negative(probe.period_seconds, path.child("periodSeconds"), errors);
  non_negative(probe.success_threshold, path.child("successThreshold"), errors);
  non_negative(probe.failure_threshold, path.child("failureThreshold"), errors);
  if (probe.termination_grace_period_seconds && *probe.termination_grace_period_seconds <= 0)
    errors.invalid(path.child("terminationGracePeriodSeconds"), *probe.termination_grace_period_seconds, "must be greater than 0");
}

template <class Container>
void validate_probes(const Container& container, const FieldPath& path, FieldErrors& errors) {
  if (container.lifecycle) {
    if (container.lifecycle->post_start) validate_actions(*container.lifecycle->post_start, path.child("lifecycle", "postStart"), errors);
    if (container.lifecycle->pre_stop) validate_actions(*container.lifecycle->pre_stop, path.child("lifecycle", "preStop"), errors);
  }
  const auto once = [&](const Box<core::Probe>& probe, std::string_view name) {
    if (!probe) return;
    validate_probe(*probe, path.child(name), errors);
    if (name != "readinessProbe" && probe->success_threshold != 1)
      errors.invalid(path.child(name, "successThreshold"), probe->success_threshold, "must be 1");
  };
  once(container.liveness_probe, "livenessProbe");
  if (container.readiness_probe) {
    once(container.readiness_probe, "readinessProbe");
    if (container.readiness_probe->termination_grace_period_seconds)
      errors.invalid(path.child("readinessProbe", "terminationGracePeriodSeconds"), *container.readiness_probe->termination_grace_period_seconds,
                     "must not be set for readinessProbes");
  }
  once(container.startup_probe, "startupProbe");
}

bool leaves_by_dots(std::string_view path) {
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (path.substr(start, end - start) == "..") return true;
    start = end + 1;
  }
  return false;
}

void validate_sub_path(std::string_view sub_path, const FieldPath& path, FieldErrors& errors) {
  if (sub_path.starts_with('/')) errors.invalid(path, sub_path, "must be a relative path");
  if (leaves_by_dots(sub_path)) errors.invalid(path, sub_path, "must not contain '..'");
}

const VolumeInfo* find_volume(const VolumeTable& volumes, std::string_view name) {
  const auto it = volumes.find(name);
  return it == volumes.end() ? nullptr : &it->second;
}

template <class Container>
void validate_mounts(const Container& container, const VolumeTable& volumes, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> mounted, device_names, device_paths;
  for (const core::VolumeDevice& device : container.volume_devices) {
    device_names.insert(device.name);
    device_paths.insert(device.device_path);
  }
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const core::VolumeMount& mount = container.volume_mounts[i];
    const FieldPath at = path.child("volumeMounts").index(i);
    if (mount.name.empty()) errors.required(at.child("name"));
    if (!find_volume(volumes, mount.name)) errors.not_found(at.child("name"), mount.name);
    if (mount.mount_path.empty()) errors.required(at.child("mountPath"));
    if (!mounted.insert(mount.mount_path).second) errors.invalid(at.child("mountPath"), mount.mount_path, "must be unique");
    if (device_names.contains(mount.name)) errors.invalid(at.child("name"), mount.name, "must not already exist in volumeDevices");
    if (device_paths.contains(mount.mount_path))
      errors.invalid(at.child("mountPath"), mount.mount_path, "must not already exist as a path in volumeDevices");
    if (!mount.sub_path.empty()) validate_sub_path(mount.sub_path, path.child("subPath"), errors);
    if (!mount.sub_path_expr.empty()) {
      if (!mount.sub_path.empty()) errors.invalid(at.child("subPathExpr"), mount.sub_path_expr, "subPathExpr and subPath are mutually exclusive");
      validate_sub_path(mount.sub_path_expr, path.child("subPathExpr"), errors);
    }
    if (mount.mount_propagation) {
      const bool privileged = container.security_context && container.security_context->privileged.value_or(false);
      if (!contains(propagations, *mount.mount_propagation)) {
        errors.not_supported(at.child("mountPropagation"), *mount.mount_propagation, propagations);
      } else if (*mount.mount_propagation == "Bidirectional" && !privileged) {
        errors.forbidden(at.child("mountPropagation"), "Bidirectional mount propagation is available only to privileged containers");
      }
    }
  }
}

template <class Container>
void validate_devices(const Container& container, const VolumeTable& volumes, const FieldPath& path, FieldErrors& errors) {
  std::set<std::string_view> names, paths, mount_names, mount_paths;
  for (const core::VolumeMount& mount : container.volume_mounts) {
    mount_names.insert(mount.name);
    mount_paths.insert(mount.mount_path);
  }
  for (std::size_t i = 0; i < container.volume_devices.size(); ++i) {
    const core::VolumeDevice& device = container.volume_devices[i];
    const FieldPath at = path.child("volumeDevices").index(i);
    if (device.name.empty()) errors.required(at.child("name"));
    if (names.contains(device.name)) errors.invalid(at.child("name"), device.name, "must be unique");
    const VolumeInfo* volume = find_volume(volumes, device.name);
    if (volume && !volume->is_claim) {
      errors.invalid(at.child("name"), device.name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    } else if (!volume) {
      errors.not_found(at.child("name"), device.name);
    }
    if (device.device_path.empty()) errors.required(at.child("devicePath"));
    if (!paths.insert(device.device_path).second) errors.invalid(at.child("devicePath"), device.device_path, "must be unique");
    if (leaves_by_dots(device.device_path)) {
      errors.invalid(at.child("devicePath"), device.device_path, "can not contain backsteps ('..')");
    } else {
      names.insert(device.name);
    }
    if (mount_names.contains(device.name)) errors.invalid(at.child("name"), device.name, "must not already exist in volumeMounts");
    if (mount_paths.contains(device.device_path))
      errors.invalid(at.child("devicePath"), device.device_path, "must not already exist as a path in volumeMounts");
  }
}

void validate_seccomp(const core::SeccompProfile& profile, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> types{"Localhost", "RuntimeDefault", "Unconfined"};
  if (profile.type == "Localhost") {
    if (profile.localhost_profile.value_or("").empty()) {
      errors.required(path.child("localhostProfile"), "must be set when seccomp type is Localhost");
    } else {
      validate_sub_path(*profile.localhost_profile, path.child("localhostProfile"), errors);
    }
  } else {
    if (profile.localhost_profile)
      errors.invalid(path.child("localhostProfile"), *profile.localhost_profile, "can only be set when seccomp type is Localhost");
    if (profile.type.empty()) {
      errors.required(path.child("type"), "type is required when seccompProfile is set");
    } else if (!contains(types, profile.type)) {
      errors.not_supported(path.child("type"), profile.type, types);
    }
  }
}

// Unless the pod has a user namespace of its own, root in it is root on the host.
bool uses_host_users(const core::PodSpec& spec) { return spec.host_users.value_or(true); }

void validate_security_context(const core::SecurityContext& context, bool host_users, const FieldPath& path, FieldErrors& errors) {
  if (context.run_as_user) errors.invalid_all(path.child("runAsUser"), *context.run_as_user, check_user_id(*context.run_as_user));
  if (context.run_as_group) errors.invalid_all(path.child("runAsGroup"), *context.run_as_group, check_user_id(*context.run_as_group));
  if (context.proc_mount) {
    constexpr std::array<std::string_view, 2> mounts{"Default", "Unmasked"};
    if (!contains(mounts, *context.proc_mount)) errors.not_supported(path.child("procMount"), *context.proc_mount, mounts);
    if (host_users && *context.proc_mount == "Unmasked")
      errors.invalid(path.child("procMount"), *context.proc_mount, "needs `hostUsers` to be false");
  }
  if (context.seccomp_profile) validate_seccomp(*context.seccomp_profile, path.child("seccompProfile"), errors);
  if (context.allow_privilege_escalation && !*context.allow_privilege_escalation) {
    if (context.privileged.value_or(false)) errors.invalid(path, "", "cannot set allowPrivilegeEscalation to false and privileged to true");
    if (context.capabilities &&
        std::find(context.capabilities->add.begin(), context.capabilities->add.end(), "CAP_SYS_ADMIN") != context.capabilities->add.end())
      errors.invalid(path, "", "cannot set allowPrivilegeEscalation to false and capabilities.Add CAP_SYS_ADMIN");
  }
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// What every kind of container is checked for.
template <class Container>
void validate_common(const Container& container, const core::PodSpec& spec, const VolumeTable& volumes, const FieldPath& path, FieldErrors& errors) {
  if (container.name.empty()) {
    errors.required(path.child("name"));
  } else {
    errors.invalid_all(path.child("name"), container.name, check_dns_label(container.name));
  }
  if (container.image.empty()) {
    errors.required(path.child("image"));
  } else if (is_blank(container.image.front()) || is_blank(container.image.back())) {
    errors.invalid(path.child("image"), container.image, "must not have leading or trailing whitespace");
  }
  if (!contains(message_policies, container.termination_message_policy)) {
    if (container.termination_message_policy.empty()) {
      errors.required(path.child("terminationMessagePolicy"));
    } else {
      errors.not_listed(path.child("terminationMessagePolicy"), container.termination_message_policy, message_policies);
    }
  }
  validate_ports(container.ports, path.child("ports"), errors);
  validate_env(container.env, path.child("env"), errors);
  validate_env_from(container.env_from, path.child("envFrom"), errors);
  validate_mounts(container, volumes, path, errors);
  validate_devices(container, volumes, path, errors);
  if (container.image_pull_policy.empty()) {
    errors.required(path.child("imagePullPolicy"));
  } else if (!contains(pull_policies, container.image_pull_policy)) {
    errors.not_supported(path.child("imagePullPolicy"), container.image_pull_policy, pull_policies);
  }
  validate_resource_requirements(container.resources, path.child("resources"), errors);
  if (container.security_context)
    validate_security_context(*container.security_context, uses_host_users(spec), path.child("securityContext"), errors);
}

using HostPorts = std::set<std::tuple<std::string_view, std::string_view, int32_t>>;

void check_host_ports(const std::vector<core::Container>& containers, HostPorts& used, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < containers.size(); ++i)
    for (std::size_t p = 0; p < containers[i].ports.size(); ++p) {
      const core::ContainerPort& port = containers[i].ports[p];
      if (port.host_port != 0 && !used.emplace(port.protocol, port.host_ip, port.host_port).second)
        errors.duplicate(path.index(i).child("ports").index(p).child("hostPort"), port.host_port);
    }
}

void validate_init_containers(const core::PodSpec& spec, const FieldPath& path, const VolumeTable& volumes, FieldErrors& errors) {
  std::set<std::string_view> names;
  for (const core::Container& container : spec.containers) names.insert(container.name);
  const FieldPath list = path.child("initContainers");
  for (std::size_t i = 0; i < spec.init_containers.size(); ++i) {
    const core::Container& container = spec.init_containers[i];
    const FieldPath at = list.index(i);
    validate_common(container, spec, volumes, at, errors);
    const bool sidecar = rules::is_sidecar(container);
    if (container.restart_policy && !sidecar && container.restart_policy_rules.empty() && *container.restart_policy != "Never" &&
        *container.restart_policy != "OnFailure") {
      constexpr std::array<std::string_view, 3> policies{"Always", "Never", "OnFailure"};
      errors.not_supported(at.child("restartPolicy"), *container.restart_policy, policies);
    }
    if (!container.name.empty() && !names.insert(container.name).second) errors.duplicate(at.child("name"), container.name);
    HostPorts used;
    check_host_ports({container}, used, at.child("ports"), errors);
    if (sidecar) {
      validate_probes(container, at, errors);
    } else {
      const auto forbid = [&](bool given, std::string_view field) {
        if (given) errors.forbidden(at.child(field), "may not be set for init containers without restartPolicy=Always");
      };
      forbid(container.lifecycle.has_value(), "lifecycle");
      forbid(container.liveness_probe.has_value(), "livenessProbe");
      forbid(container.readiness_probe.has_value(), "readinessProbe");
      forbid(container.startup_probe.has_value(), "startupProbe");
    }
  }
}

void validate_ephemeral_containers(const core::PodSpec& spec, const FieldPath& path, const VolumeTable& volumes, FieldErrors& errors) {
  std::set<std::string_view> others;
  for (const core::Container& container : spec.containers) others.insert(container.name);
  for (const core::Container& container : spec.init_containers) others.insert(container.name);
  std::set<std::string_view> names = others;
  const FieldPath list = path.child("ephemeralContainers");
  for (std::size_t i = 0; i < spec.ephemeral_containers.size(); ++i) {
    const core::EphemeralContainer& container = spec.ephemeral_containers[i];
    const FieldPath at = list.index(i);
    validate_common(container, spec, volumes, at, errors);
    if (!container.name.empty() && !names.insert(container.name).second) errors.duplicate(at.child("name"), container.name);
    if (!container.target_container_name.empty() && !others.contains(container.target_container_name))
      errors.not_found(at.child("targetContainerName"), container.target_container_name);
    const auto forbid = [&](bool given, std::string_view field) {
      if (given) errors.forbidden(at.child(field), "cannot be set for an Ephemeral Container");
    };
    forbid(!container.ports.empty(), "ports");
    forbid(container.liveness_probe.has_value(), "livenessProbe");
    forbid(container.readiness_probe.has_value(), "readinessProbe");
    forbid(container.startup_probe.has_value(), "startupProbe");
    forbid(container.lifecycle.has_value(), "lifecycle");
    forbid(!container.resources.limits.empty() || !container.resources.requests.empty(), "resources");
  }
}

}  // namespace

void validate_all_containers(const core::PodSpec& spec, const FieldPath& path, const VolumeTable& volumes, FieldErrors& errors) {
  const FieldPath list = path.child("containers");
  if (spec.containers.empty()) errors.required(list);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.containers.size(); ++i) {
    const core::Container& container = spec.containers[i];
    const FieldPath at = list.index(i);
    validate_common(container, spec, volumes, at, errors);
    if (!container.name.empty() && !names.insert(container.name).second) errors.duplicate(at.child("name"), container.name);
    validate_probes(container, at, errors);
  }
  HostPorts used;
  check_host_ports(spec.containers, used, list, errors);
  validate_init_containers(spec, path, volumes, errors);
  validate_ephemeral_containers(spec, path, volumes, errors);
}

}  // namespace pintle::apiserver::resources

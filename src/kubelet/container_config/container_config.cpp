#include "kubelet/container_config/container_config.h"

#include <algorithm>

#include "api/codec.h"
#include "codec/json_text.h"
#include "kubelet/container_config/expansion.h"
#include "kubelet/container_config/security.h"
#include "kubelet/types/go_checksum.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

template <class T>
std::string json_of(const T& value) {
  std::string out;
  api::encode_json(api::type_of<T>(), &value, out);
  return out;
}

FlatMap<std::string> container_labels(const core::Pod& pod, const core::Container& container) {
  FlatMap<std::string> out;
  out[labels::pod_name] = pod.metadata.name;
  out[labels::pod_namespace] = pod.metadata.namespace_;
  out[labels::pod_uid] = pod.metadata.uid;
  out[labels::container_name] = container.name;
  return out;
}

FlatMap<std::string> container_annotations(const core::Pod& pod, const core::Container& container, uint32_t attempt,
                                           FlatMap<std::string> from_plugins) {
  FlatMap<std::string> out = std::move(from_plugins);
  out[labels::container_hash] = container_hash(container);
  out[labels::restart_count] = std::to_string(attempt);
  out[labels::termination_message_path] = container.termination_message_path;
  out[labels::termination_message_policy] = container.termination_message_policy;
  if (pod.metadata.deletion_grace_period_seconds)
    out[labels::pod_deletion_grace_period] = std::to_string(*pod.metadata.deletion_grace_period_seconds);
  if (pod.spec.termination_grace_period_seconds)
    out[labels::pod_termination_grace_period] = std::to_string(*pod.spec.termination_grace_period_seconds);
  if (container.lifecycle && container.lifecycle->pre_stop) out[labels::pre_stop_handler] = json_of(*container.lifecycle->pre_stop);
  if (!container.ports.empty()) {
    std::string list;
    for (const core::ContainerPort& port : container.ports) list += (list.empty() ? "[" : ",") + json_of(port);
    out[labels::container_ports] = list + "]";
  }
  return out;
}

// What plugins want comes first, unless the pod says otherwise.
EnvironmentVariables whole_environment(const ContainerInputs& in) {
  EnvironmentVariables out;
  for (const auto& variable : in.from_plugins.environment) {
    const bool said = std::ranges::any_of(in.environment, [&](const auto& own) { return own.first == variable.first; });
    if (!said) out.push_back(variable);
  }
  out.insert(out.end(), in.environment.begin(), in.environment.end());
  return out;
}

std::vector<std::string> expand_all(const std::vector<std::string>& texts, const EnvironmentVariables& environment) {
  std::vector<std::string> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) {
    out.push_back(expand(text, [&](std::string_view name) -> std::optional<std::string> {
      const auto it = std::ranges::find_if(environment, [&](const auto& variable) { return variable.first == name; });
      if (it == environment.end()) return std::nullopt;
      return it->second;
    }));
  }
  return out;
}

// The runtime's number of "SIGTERM" and the like: their order in the interface.
int32_t stop_signal_of(std::string_view name) {
  static constexpr std::string_view names[] = {"",
                                               "SIGABRT",
                                               "SIGALRM",
                                               "SIGBUS",
                                               "SIGCHLD",
                                               "SIGCLD",
                                               "SIGCONT",
                                               "SIGFPE",
                                               "SIGHUP",
                                               "SIGILL",
                                               "SIGINT",
                                               "SIGIO",
                                               "SIGIOT",
                                               "SIGKILL",
                                               "SIGPIPE",
                                               "SIGPOLL",
                                               "SIGPROF",
                                               "SIGPWR",
                                               "SIGQUIT",
                                               "SIGSEGV",
                                               "SIGSTKFLT",
                                               "SIGSTOP",
                                               "SIGSYS",
                                               "SIGTERM",
                                               "SIGTRAP",
                                               "SIGTSTP",
                                               "SIGTTIN",
                                               "SIGTTOU",
                                               "SIGURG",
                                               "SIGUSR1",
                                               "SIGUSR2",
                                               "SIGVTALRM",
                                               "SIGWINCH",
                                               "SIGXCPU",
                                               "SIGXFSZ",
                                               "SIGRTMIN",
                                               "SIGRTMIN+1",
                                               "SIGRTMIN+2",
                                               "SIGRTMIN+3",
                                               "SIGRTMIN+4",
                                               "SIGRTMIN+5",
                                               "SIGRTMIN+6",
                                               "SIGRTMIN+7",
                                               "SIGRTMIN+8",
                                               "SIGRTMIN+9",
                                               "SIGRTMIN+10",
                                               "SIGRTMIN+11",
                                               "SIGRTMIN+12",
                                               "SIGRTMIN+13",
                                               "SIGRTMIN+14",
                                               "SIGRTMIN+15",
                                               "SIGRTMAX-14",
                                               "SIGRTMAX-13",
                                               "SIGRTMAX-12",
                                               "SIGRTMAX-11",
                                               "SIGRTMAX-10",
                                               "SIGRTMAX-9",
                                               "SIGRTMAX-8",
                                               "SIGRTMAX-7",
                                               "SIGRTMAX-6",
                                               "SIGRTMAX-5",
                                               "SIGRTMAX-4",
                                               "SIGRTMAX-3",
                                               "SIGRTMAX-2",
                                               "SIGRTMAX-1",
                                               "SIGRTMAX"};
  static_assert(std::size(names) == cri_v1::Signal::Sigrtmax + 1);
  const auto it = std::ranges::find(names, name);
  return it == std::end(names) ? 0 : static_cast<int32_t>(it - std::begin(names));
}

}  // namespace

std::string container_hash(const core::Container& container) {
  std::string json = "{\"image\":";
  codec::append_json_string(container.image, json);
  json += ",\"name\":";
  codec::append_json_string(container.name, json);
  json += '}';
  // Upstream hashes the printed form of the bytes.
  std::string printed = "([]uint8)[";
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (i > 0) printed += ' ';
    printed += std::to_string(static_cast<unsigned char>(json[i]));
  }
  printed += ']';
  char hex[9];
  std::snprintf(hex, sizeof hex, "%x", go_checksum(printed));
  return hex;
}

core::Container plain_container(const core::EphemeralContainerCommon& ephemeral) {
  core::Container out;
  out.name = ephemeral.name;
  out.image = ephemeral.image;
  out.command = ephemeral.command;
  out.args = ephemeral.args;
  out.working_dir = ephemeral.working_dir;
  out.ports = ephemeral.ports;
  out.env_from = ephemeral.env_from;
  out.env = ephemeral.env;
  out.resources = ephemeral.resources;
  out.resize_policy = ephemeral.resize_policy;
  out.restart_policy = ephemeral.restart_policy;
  out.restart_policy_rules = ephemeral.restart_policy_rules;
  out.volume_mounts = ephemeral.volume_mounts;
  out.volume_devices = ephemeral.volume_devices;
  out.liveness_probe = ephemeral.liveness_probe;
  out.readiness_probe = ephemeral.readiness_probe;
  out.startup_probe = ephemeral.startup_probe;
  out.lifecycle = ephemeral.lifecycle;
  out.termination_message_path = ephemeral.termination_message_path;
  out.termination_message_policy = ephemeral.termination_message_policy;
  out.image_pull_policy = ephemeral.image_pull_policy;
  out.security_context = ephemeral.security_context;
  out.stdin = ephemeral.stdin;
  out.stdin_once = ephemeral.stdin_once;
  out.tty = ephemeral.tty;
  return out;
}

std::optional<core::Container> find_container(const core::PodSpec& spec, std::string_view name) {
  for (const core::Container& container : spec.containers)
    if (container.name == name) return container;
  for (const core::Container& container : spec.init_containers)
    if (container.name == name) return container;
  for (const core::EphemeralContainer& container : spec.ephemeral_containers)
    if (container.name == name) return plain_container(container);
  return std::nullopt;
}

Result<cri_v1::ContainerConfig> make_container_config(const ContainerInputs& in) {
  cri_v1::ContainerConfig out;
  cri_v1::ContainerMetadata& metadata = out.metadata.emplace();
  metadata.name = in.container.name;
  metadata.attempt = in.attempt;
  cri_v1::ImageSpec& image = out.image.emplace();
  image.image = in.image_ref;
  image.user_specified_image = in.container.image;
  const EnvironmentVariables environment = whole_environment(in);
  out.command = expand_all(in.container.command, environment);
  out.args = expand_all(in.container.args, environment);
  out.working_dir = in.container.working_dir;
  for (const auto& [name, value] : environment) {
    cri_v1::KeyValue& variable = out.envs.emplace_back();
    variable.key = name;
    variable.value = value;
  }
  out.mounts = in.from_plugins.mounts;
  out.mounts.insert(out.mounts.end(), in.mounts.begin(), in.mounts.end());
  out.devices = in.from_plugins.devices;
  out.devices.insert(out.devices.end(), in.devices.begin(), in.devices.end());
  for (const std::string& name : in.from_plugins.cdi_devices) out.cdi_devices.emplace_back().name = name;
  if (!in.termination_log.empty() && !in.container.termination_message_path.empty()) {
    cri_v1::Mount& mount = out.mounts.emplace_back();
    mount.host_path = in.termination_log;
    const std::string& path = in.container.termination_message_path;
    mount.container_path = path.starts_with('/') ? path : "/" + path;
  }
  out.labels = container_labels(in.pod, in.container);
  out.annotations = container_annotations(in.pod, in.container, in.attempt, in.from_plugins.annotations);
  out.log_path = Paths::container_log(in.container.name, in.attempt);
  out.stdin = in.container.stdin;
  out.stdin_once = in.container.stdin_once;
  out.tty = in.container.tty;
  if (in.container.lifecycle && in.container.lifecycle->stop_signal) out.stop_signal = stop_signal_of(*in.container.lifecycle->stop_signal);
  cri_v1::LinuxContainerConfig& linux_config = out.linux.emplace();
  TRY_ASSIGN(cri_v1::LinuxContainerSecurityContext security, make_security_context(in));
  linux_config.security_context = std::move(security);
  linux_config.resources = make_linux_resources(in.pod, in.container, in.node);
  linux_config.resources->cpuset_cpus = in.cpus.list;
  linux_config.resources->cpuset_mems = in.memory_nodes;
  if (in.cpus.unlimited && in.node.cpu_cfs_quota) linux_config.resources->cpu_quota = -1;
  const Box<cri_v1::UserNamespace>& users = linux_config.security_context->namespace_options->userns_options;
  if (users && users->mode == cri_v1::NamespaceMode::Pod) {
    for (cri_v1::Mount& mount : out.mounts) {
      mount.uid_mappings = users->uids;
      mount.gid_mappings = users->gids;
    }
  }
  return out;
}

}  // namespace pintle::kubelet::container_config

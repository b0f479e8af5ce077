// The configuration that the runtime is given for a sandbox and for a container, as pure functions of the pod, the node
// and what was resolved before (variables, mounts). Configurator (configurator.h) resolves and calls them.
// Errors carry upstream's messages: they become the container's CreateContainerConfigError.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "base/status.h"
#include "kubelet/container_config/node_config.h"
#include "kubelet/devices/container_devices.h"

namespace pintle::kubelet::container_config {

// Something to tell the user in an event on the pod (DNSConfigForming, MissingClusterDNS).
struct ConfigWarning {
  std::string reason;
  std::string message;
};

// User and group ids of a pod with a user namespace of its own: container ids 0..length-1 start at host_id.
struct UserNamespaceRange {
  uint32_t host_id = 0;
  uint32_t length = 65536;
};

struct SandboxInputs {
  const api::core_v1::Pod& pod;
  const NodeConfig& node;
  uint32_t attempt = 0;
  std::string cgroup_parent;
  std::optional<UserNamespaceRange> user_namespace;
};
struct SandboxConfig {
  api::cri_v1::PodSandboxConfig config;
  std::vector<ConfigWarning> warnings;
};
Result<SandboxConfig> make_sandbox_config(const SandboxInputs& inputs);

using EnvironmentVariables = std::vector<std::pair<std::string, std::string>>;

// Where a container runs.
struct ContainerCpus {
  std::string list;        // "0-3,7"; "": anywhere
  bool unlimited = false;  // they are its own: no limit of time
};

struct ContainerInputs {
  const api::core_v1::Pod& pod;
  const api::core_v1::Container& container;
  const NodeConfig& node;
  uint32_t attempt = 0;              // = restartCount
  std::string image_ref;             // the runtime's id of the image
  std::optional<int64_t> image_uid;  // the image's user, if it is a number
  std::string image_username;        // else its name
  EnvironmentVariables environment;
  std::vector<api::cri_v1::Mount> mounts;    // volumes, hosts file
  std::vector<api::cri_v1::Device> devices;  // raw block volumes
  devices::ContainerDevices from_plugins;
  ContainerCpus cpus;
  std::string memory_nodes;            // of NUMA; "": any
  std::vector<int64_t> volume_groups;  // that volumes of the pod give to its containers
  std::string termination_log;         // host path of the termination log; "": none
  std::string target_container_id;     // of an ephemeral container: whose process namespace it joins
  std::optional<UserNamespaceRange> user_namespace;
};
Result<api::cri_v1::ContainerConfig> make_container_config(const ContainerInputs& inputs);

// What a container of the pod is known by in the runtime.
namespace labels {
inline constexpr std::string_view pod_name = "io.kubernetes.pod.name";
inline constexpr std::string_view pod_namespace = "io.kubernetes.pod.namespace";
inline constexpr std::string_view pod_uid = "io.kubernetes.pod.uid";
inline constexpr std::string_view container_name = "io.kubernetes.container.name";
// Annotations of containers.
inline constexpr std::string_view container_hash = "io.kubernetes.container.hash";
inline constexpr std::string_view restart_count = "io.kubernetes.container.restartCount";
inline constexpr std::string_view termination_message_path = "io.kubernetes.container.terminationMessagePath";
inline constexpr std::string_view termination_message_policy = "io.kubernetes.container.terminationMessagePolicy";
inline constexpr std::string_view pre_stop_handler = "io.kubernetes.container.preStopHandler";
inline constexpr std::string_view container_ports = "io.kubernetes.container.ports";
inline constexpr std::string_view pod_deletion_grace_period = "io.kubernetes.pod.deletionGracePeriod";
inline constexpr std::string_view pod_termination_grace_period = "io.kubernetes.pod.terminationGracePeriod";
}  // namespace labels

// The hash in labels::container_hash: of what cannot change without a new container (name and image), in hexadecimal.
std::string container_hash(const api::core_v1::Container& container);
// The container of this name among init, plain and ephemeral containers, the last as a plain one.
std::optional<api::core_v1::Container> find_container(const api::core_v1::PodSpec& spec, std::string_view name);
api::core_v1::Container plain_container(const api::core_v1::EphemeralContainerCommon& ephemeral);

// The host's resources of a running container, for UpdateContainerResources.
api::cri_v1::LinuxContainerResources make_linux_resources(const api::core_v1::Pod& pod, const api::core_v1::Container& container,
                                                          const NodeConfig& node);

}  // namespace pintle::kubelet::container_config

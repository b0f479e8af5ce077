// Configurator: gathers what a pod's configuration depends on (ConfigMaps, Secrets, Services, volumes, files) and makes
// the runtime's configuration of it. Belongs to one executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kubelet/container_config/container_config.h"
#include "kubelet/container_config/handler_features.h"
#include "kubelet/container_config/user_namespace_ranges.h"
#include "kubelet/referenced_objects/referenced_objects.h"
#include "kubelet/types/pod.h"
#include "kubelet/volumes/volume_manager.h"
#include "rt/runtime.h"

namespace pintle::kubelet::container_config {

struct ConfiguratorDeps {
  rt::Runtime& runtime;
  volumes::VolumeManager& volumes;
  referenced_objects::ReferencedObjects* objects = nullptr;  // nullptr: no API server
  // The facts now (addresses and resolv.conf may change while the node runs).
  std::function<NodeConfig()> node;
  // Every Service of the cluster that is known; nullopt before the first list (pods from the API wait for it).
  std::function<std::optional<std::vector<std::shared_ptr<const api::core_v1::Service>>>()> services;
  std::function<std::string(const api::core_v1::Pod&)> cgroup_parent;
  // Asked for pods that want something of it (wants_handler_features); empty: the handler can do nothing of it.
  std::function<rt::Task<Result<HandlerFeatures>>(rt::Context ctx, PodPtr pod)> handler_features;
  // What plugins of the node want in a container; empty: there are none.
  std::function<rt::Task<Result<devices::ContainerDevices>>(rt::Context ctx, PodPtr pod, std::string container)> devices;
  // The NUMA nodes of its memory, as it is about to start; "": any. May be empty.
  std::function<std::string(const api::core_v1::Pod& pod, const std::string& container)> memory_nodes;
  // Where it runs; empty: anywhere.
  std::function<ContainerCpus(const std::string& uid, const std::string& container)> cpus;
  UserNamespaceRanges* user_namespaces = nullptr;  // nullptr: no pod gets one
  std::function<void(const api::core_v1::Pod& pod, std::string_view reason, const std::string& message)> warn;
};

struct ContainerRequest {
  PodPtr pod;
  std::string container;  // its name, of any of the three kinds
  uint32_t attempt = 0;
  std::string image_ref;
  std::optional<int64_t> image_uid;
  std::string image_username;
  std::vector<std::string> pod_ips;  // of the sandbox; the node's for a pod on the host's network
  std::string target_container_id;
  FlatMap<std::string> image_volumes;  // image reference by the name of an image volume
};

class Configurator {
 public:
  explicit Configurator(ConfiguratorDeps deps);

  // Also makes the pod's directory and its log directory.
  rt::Task<Result<api::cri_v1::PodSandboxConfig>> sandbox_config(rt::Context ctx, PodPtr pod, uint32_t attempt);
  // Also makes the hosts file, the container's directory, its termination log and log directory, and its subPath mounts.
  // The termination log is the host path of the mount at the container's terminationMessagePath (in ContainerStatus too).
  // The error's message is what the container's CreateContainerConfigError says.
  rt::Task<Result<api::cri_v1::ContainerConfig>> container_config(rt::Context ctx, ContainerRequest request);

 private:
  // The node as the pod finds it: with what its runtime handler can do, and its range of user ids.
  struct NodeForPod {
    NodeConfig config;
    std::optional<UserNamespaceRange> user_namespace;
  };
  rt::Task<Result<NodeForPod>> node_for(rt::Context ctx, PodPtr pod);
  rt::Task<Result<EnvironmentVariables>> environment(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::Container& container,
                                                     const NodeConfig& node, const std::vector<std::string>& pod_ips);

  ConfiguratorDeps deps_;
};

}  // namespace pintle::kubelet::container_config

// NodeRuntime: the container runtime of this node with what makes its containers' surroundings: images, volumes, cgroups, configuration,
// hooks. What is done with a pod by it is decided elsewhere (pod_life.h).
#pragma once

#include <memory>
#include <string>

#include "cri/runtime_client.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/changes.h"
#include "kubelet/cluster_access.h"
#include "kubelet/container_config/configurator.h"
#include "kubelet/cpu_manager/cpu_manager.h"
#include "kubelet/hooks/lifecycle_hooks.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/images/verification_policy.h"
#include "kubelet/memory_manager/memory_manager.h"
#include "kubelet/node/runtime_observer.h"
#include "kubelet/node_facts.h"
#include "kubelet/node_plugins.h"
#include "kubelet/runtime/pod_runtime.h"
#include "kubelet/volumes/volume_manager.h"
#include "os/cgroup.h"

namespace pintle::kubelet {

Result<std::unique_ptr<cri::RuntimeClient>> connect_runtime(rt::Runtime& runtime,
                                                            const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration);
// The cgroup driver that the runtime says; `configured` where it does not know the question, or does not answer for some seconds.
rt::Task<std::string> cgroup_driver(rt::Runtime& runtime, cri::RuntimeClient& cri, std::string configured);

struct NodeCgroups {
  std::unique_ptr<os::Cgroups> machine;  // nullptr, both: pods have none (cgroupsPerQOS false)
  std::unique_ptr<cgroups::PodCgroups> pods;
  bool v2 = false;
  bool limits_swap = false;
};
// Makes kubepods and holds the cgroups of daemons to what is reserved. Invalid: version 1 where the configuration refuses it.
Result<NodeCgroups> make_node_cgroups(const api::kubeletconfig_v1beta1::KubeletConfiguration& configuration, const NodeFacts& facts);

struct ImageSettings {
  images::VerificationPolicy verification;
  images::CredentialConfiguration credentials;
};
// Invalid: a policy, or a configuration of credential providers.
Result<ImageSettings> image_settings(rt::Disk& disk, const KubeletOptions& options, const NodeFacts& facts);

struct NodeRuntimeDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  ClusterAccess& cluster;
  NodePlugins& plugins;
  cpu_manager::CpuManager& cpus;
  memory_manager::MemoryManager& memory;
  Changes& changes;
  const Paths& paths;
  const KubeletOptions& options;
  const NodeFacts& facts;
};

struct NodeRuntime {
  NodeRuntime(NodeRuntimeDeps deps, NodeCgroups cgroups, ImageSettings images);
  // Nothing is asked of it any more.
  rt::Task<void> stop();

  // What pods are told of the node, as it is now.
  container_config::NodeConfig node_config() const;
  // Runtimes that write their network's configuration from a template want it; the others do not mind.
  rt::Task<void> tell_pod_cidr(rt::Context ctx, std::string pod_cidr);

  const NodeRuntimeDeps deps;
  const NodeCgroups cgroups;
  node::CriObserver observer;
  const std::unique_ptr<volumes::VolumeManager> volumes;
  volumes::VolumeUsages volume_usages;
  container_config::UserNamespaceRanges user_namespaces;
  container_config::Configurator configurator;
  images::ImageAccess image_access;
  images::NodeCredentials node_credentials;
  images::CredentialProviders credential_providers;
  images::ImagePuller images;
  hooks::LifecycleHooks hooks;
  runtime::PodRuntime pods;

 private:
  volumes::VolumeManagerDeps volume_deps();
  container_config::ConfiguratorDeps configurator_deps();
  images::ImagePullerDeps image_deps();
  runtime::PodRuntimeDeps pod_deps();
  rt::Task<Result<devices::ContainerDevices>> devices_of(rt::Context ctx, PodPtr pod, std::string container);
  rt::Task<Result<container_config::HandlerFeatures>> features_for(rt::Context ctx, PodPtr pod);
};

}  // namespace pintle::kubelet

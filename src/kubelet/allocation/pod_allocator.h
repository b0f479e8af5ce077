// PodAllocator: gives a pod what the node hands out piece by piece (devices, CPUs, memory), container by container, and decides on which NUMA nodes
// (topologyManagerPolicy). All or nothing: a pod that cannot have all of it keeps nothing. Belongs to the kubelet's executor.
#pragma once

#include <optional>
#include <string>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/expected.h"
#include "kubelet/cpu_manager/cpu_manager.h"
#include "kubelet/devices/device_manager.h"
#include "kubelet/memory_manager/memory_manager.h"
#include "kubelet/topology_hints/hints.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/waiting_reason.h"
#include "rt/sync.h"

namespace pintle::kubelet::allocation {

struct TopologySettings {
  std::optional<topology_hints::TopologyPolicy> policy;  // nullopt: none
  bool whole_pods = false;                               // topologyManagerScope pod: its containers share one decision
};
// Invalid: an option, or a machine with too many nodes. Reads a few small files.
Result<TopologySettings> topology_settings(const api::kubeletconfig_v1beta1::KubeletConfiguration& config, const std::string& sysfs = "/sys");

class PodAllocator {
 public:
  PodAllocator(devices::DeviceManager& devices, cpu_manager::CpuManager& cpus, memory_manager::MemoryManager& memory, TopologySettings topology)
      : devices_(devices), cpus_(cpus), memory_(memory), topology_(std::move(topology)) {}

  // The error is how the pod fails; what it has already stays its own. On disk when it returns.
  rt::Task<Expected<Unit, WaitingReason>> allocate(rt::Context ctx, PodPtr pod);
  // Whether it wants anything that is handed out here.
  bool wants(const api::core_v1::Pod& pod) const;
  // Whether it has some of it, maybe of an earlier life.
  bool has(const std::string& uid) const;
  // For a pod of an earlier life of which nothing runs (the machine was down), before allocate(): the plugins of its devices come back.
  rt::Task<void> wait_for_plugins(rt::Context ctx, PodPtr pod) { return devices_.wait_for_plugins(std::move(ctx), std::move(pod)); }
  // Nothing of the pod runs any more.
  void release(std::string_view uid);
  void write_metrics(std::string& out) const;

 private:
  struct Progress;
  rt::Task<Expected<Unit, WaitingReason>> allocate_container(rt::Context ctx, PodPtr pod, const api::core_v1::Container* container,
                                                             Progress* progress);
  rt::Task<Expected<Unit, WaitingReason>> allocate_all(rt::Context ctx, PodPtr pod);
  // Where a container, or the pod, gets what it wants; the error: nowhere.
  Expected<memory_manager::WantedNodes, WaitingReason> decide(const std::vector<topology_hints::ResourceHints>& hints) const;

  devices::DeviceManager& devices_;
  cpu_manager::CpuManager& cpus_;
  memory_manager::MemoryManager& memory_;
  const TopologySettings topology_;
  rt::AsyncMutex deciding_;  // what was found free for a pod is given to it
  uint64_t requests_ = 0;    // of pods that want something
  uint64_t refusals_ = 0;
};

}  // namespace pintle::kubelet::allocation

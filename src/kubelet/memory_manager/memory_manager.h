// MemoryManager: on which NUMA nodes containers have their memory and huge pages, by the policy that is configured (memoryManagerPolicy): None,
// where it says nothing, or Static. What it decided is on disk before it is used (memory_state.h): a restart, also by upstream's kubelet, keeps
// it. Belongs to the kubelet's executor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "kubelet/memory_manager/static_policy.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::memory_manager {

struct MemoryManagerOptions {
  std::string policy = "None";
  std::vector<api::kubeletconfig_v1beta1::MemoryReservation> reserved_memory;
  rules::ResourceList reserved_of_node;  // kubeReserved, systemReserved, and what is kept free (evictionHard)
  uint64_t memory_bytes = 0;             // of the machine
  std::string root_dir;
  std::string sysfs = "/sys";
};
MemoryManagerOptions memory_manager_options(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

class MemoryManager {
 public:
  // Reads what an earlier life left, and writes it if there is nothing. Invalid, in upstream's words, where the configuration, the machine and
  // what was left do not go together. Blocks.
  static Result<std::unique_ptr<MemoryManager>> make(rt::Runtime& runtime, const MemoryManagerOptions& options);

  bool is_static() const { return policy_.has_value(); }
  // Gives a container of the pod what it wants (StaticPolicy::allocate). On an error release() the pod.
  Result<Unit> allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const WantedNodes& wanted, ReusableMemory& reusable);
  topology_hints::ResourceHints hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const ReusableMemory& reusable) const;
  topology_hints::ResourceHints pod_hints(const api::core_v1::Pod& pod) const;
  // Whether it would be given any.
  bool wants(const api::core_v1::Pod& pod) const;
  bool has_own(const std::string& uid) const { return state_.of_pods.contains(uid); }
  // What was allocated so far is on disk.
  rt::Task<Result<Unit>> save(rt::Context ctx);
  // A container is about to start: init containers before it have ended.
  void begin_container(const api::core_v1::Pod& pod, std::string_view container);
  // Nothing of the pod runs any more.
  void release(std::string_view uid);
  rt::Task<void> stop() { return tasks_.close(); }

  // The nodes of a container's memory, as cgroups name them: "0,1"; "": any.
  std::string nodes_of(std::string_view uid, std::string_view container) const;
  // What containers may have: by node and resource.
  Blocks allocatable() const;
  const MemoryState& state() const { return state_; }
  void write_metrics(std::string& out) const;

 private:
  MemoryManager(rt::Runtime& runtime, std::string path) : runtime_(runtime), path_(std::move(path)) {}
  rt::Task<void> save_in_background(rt::Context ctx);

  rt::Runtime& runtime_;
  const std::string path_;
  std::optional<StaticPolicy> policy_;
  MemoryState state_;
  uint64_t version_ = 0;  // of state_
  uint64_t saved_ = 0;    // which is on disk
  uint64_t pinnings_ = 0;
  uint64_t refusals_ = 0;
  rt::AsyncMutex saving_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::memory_manager

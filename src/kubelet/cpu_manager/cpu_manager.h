// CpuManager: which CPUs containers run on, by the policy that is configured (cpuManagerPolicy): none, where it says nothing, or static, where
// some have CPUs of their own and the others share what is left. What it decided is on disk before it is used (cpu_state.h): a restart, also by
// upstream's kubelet, keeps it. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "kubelet/cpu_manager/static_policy.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::cpu_manager {

struct CpuManagerOptions {
  std::string policy = "none";
  FlatMap<std::string> policy_options;
  std::string reserved_cpus;  // reservedSystemCPUs
  int64_t reserved_milli = 0;
  std::string root_dir;
  std::string sysfs = "/sys";
};
CpuManagerOptions cpu_manager_options(const api::kubeletconfig_v1beta1::KubeletConfiguration& config, const rules::ResourceList& reserved,
                                      std::string root_dir);

class CpuManager {
 public:
  // Reads what an earlier life left, and writes it if there is nothing. Invalid, in upstream's words, where the configuration, the machine and
  // what was left do not go together. Blocks.
  static Result<std::unique_ptr<CpuManager>> make(rt::Runtime& runtime, const CpuManagerOptions& options);

  bool is_static() const { return policy_.has_value(); }
  // Gives a container of the pod what it wants (StaticPolicy::allocate). On an error release() the pod.
  Expected<Unit, WaitingReason> allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, CpuSet& reusable,
                                         const std::optional<std::set<int64_t>>& numa_nodes = std::nullopt);
  topology_hints::ResourceHints hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const CpuSet& reusable) const;
  topology_hints::ResourceHints pod_hints(const api::core_v1::Pod& pod) const;
  // What was allocated so far is on disk.
  rt::Task<Result<Unit>> save(rt::Context ctx);
  // Nothing of the pod runs any more.
  void release(std::string_view uid);
  // Other CPUs are shared than before. May be empty.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  rt::Task<void> stop() { return tasks_.close(); }

  // Where the container runs; "": anywhere.
  std::string cpus_of(std::string_view uid, std::string_view container) const;
  // The CPUs that are its own.
  CpuSet own_cpus(std::string_view uid, std::string_view container) const;
  bool has_own(const std::string& uid) const { return state_.of_pods.contains(uid); }
  // Those that containers may get for themselves.
  CpuSet allocatable() const;
  const CpuState& state() const { return state_; }

 private:
  CpuManager(rt::Runtime& runtime, std::string path) : runtime_(runtime), path_(std::move(path)) {}
  rt::Task<void> save_in_background(rt::Context ctx);

  rt::Runtime& runtime_;
  const std::string path_;
  std::optional<StaticPolicy> policy_;
  CpuState state_;
  uint64_t version_ = 0;  // of state_
  uint64_t saved_ = 0;    // which is on disk
  rt::AsyncMutex saving_;
  std::function<void()> changed_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::cpu_manager

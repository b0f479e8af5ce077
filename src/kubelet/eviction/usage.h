// What pods use of the node's memory, disks and process numbers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "cri/runtime_client.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/types/paths.h"
#include "kubelet/types/pod.h"
#include "rt/runtime.h"

namespace pintle::kubelet::eviction {

struct DiskUsage {
  uint64_t bytes = 0;
  uint64_t inodes = 0;
  bool complete = true;  // false: it could not all be read, and at least that much is used
  DiskUsage& operator+=(const DiskUsage& more) {
    bytes += more.bytes;
    inodes += more.inodes;
    complete = complete && more.complete;
    return *this;
  }
};

struct ContainerUsage {
  std::string name;
  std::optional<uint64_t> memory_bytes;  // its working set
  std::optional<DiskUsage> root;         // its writable layer
  DiskUsage logs;
};

struct PodUsage {
  uint64_t memory_bytes = 0;  // of its cgroup; the sum over its containers where it has none
  uint64_t processes = 0;
  std::vector<ContainerUsage> containers;
  std::map<std::string, DiskUsage, std::less<>> volumes;  // those on the node's own disk
  DiskUsage files;                                        // what the kubelet keeps for it besides (its hosts file)
};

struct UsageSources {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  cgroups::PodCgroups* cgroups = nullptr;  // nullptr: pods have none
  const Paths& paths;
};

// For counting one pod's files; what is left then is not known.
constexpr rt::Duration pod_walk_max = std::chrono::seconds(10);

// By uid; pods that the runtime tells nothing of are absent. With `disk` it walks their volumes and logs, on the blocking pool.
rt::Task<Result<std::map<std::string, PodUsage>>> measure_usage(UsageSources from, rt::Context ctx, std::vector<PodPtr> pods, bool disk);

// A volume whose files count as the pod's local storage: emptyDir on the disk, configMap. Pure.
bool is_local_volume(const api::core_v1::Volume& volume);

}  // namespace pintle::kubelet::eviction

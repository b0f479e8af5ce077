// Cgroups: one interface over version 1 (a hierarchy for each controller) and version 2 (one for all). A cgroup is named
// by its path below the mounted root: "/kubepods/burstable/podUID". Callable from any thread; calls block for small
// reads and writes of kernel files. Setting what a controller that is not mounted or not delegated would hold is skipped;
// has_controller() tells.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::os {

enum class CgroupVersion { V1, V2 };

// What is unset stays as it is.
struct CgroupLimits {
  std::optional<uint64_t> cpu_shares;   // version 1's 2..262144; made into a weight for version 2
  std::optional<int64_t> cpu_quota_us;  // per period; <= 0: none
  std::optional<uint64_t> cpu_period_us;
  std::optional<int64_t> memory_bytes;            // <= 0: none
  std::optional<int64_t> pids_max;                // <= 0: none
  std::map<std::string, int64_t> hugepage_bytes;  // by page size: "2MB"
  std::map<std::string, std::string> unified;     // version 2 files: "memory.min" -> "1024"
};

struct CgroupUsage {
  uint64_t cpu_usage_ns = 0;
  uint64_t memory_usage_bytes = 0;
  uint64_t memory_working_set_bytes = 0;  // usage less inactive file pages: what eviction looks at
  uint64_t memory_rss_bytes = 0;
  uint64_t page_faults = 0;
  uint64_t major_page_faults = 0;
  uint64_t memory_limit_bytes = 0;  // 0: none
  uint64_t swap_bytes = 0;
  uint64_t processes = 0;
};

class Cgroups {
 public:
  virtual ~Cgroups() = default;
  virtual CgroupVersion version() const = 0;
  // "cpu", "memory", "pids", "hugetlb" ...
  virtual bool has_controller(std::string_view controller) const = 0;
  // Whether the kernel can limit the swap of this cgroup, which must exist; of version 2's root it cannot.
  virtual bool limits_swap(const std::string& path) const = 0;
  // Makes the cgroup (and its parents) in every hierarchy, ready for children to use the same controllers. No error if
  // it is there.
  virtual Result<Unit> create(const std::string& path) = 0;
  virtual bool exists(const std::string& path) const = 0;
  virtual Result<Unit> set(const std::string& path, const CgroupLimits& limits) = 0;
  // Removes it with its descendants. Conflict while a process is in one of them.
  virtual Result<Unit> remove(const std::string& path) = 0;
  // Names of its children, sorted.
  virtual Result<std::vector<std::string>> children(const std::string& path) const = 0;
  // Of it and of its descendants.
  virtual Result<std::vector<pid_t>> processes(const std::string& path) const = 0;
  virtual Result<Unit> attach(const std::string& path, pid_t pid) = 0;
  // SIGKILL to everything in it; no error if it is not there.
  virtual Result<Unit> kill(const std::string& path) = 0;
  virtual Result<CgroupUsage> usage(const std::string& path) const = 0;
  // The limit that the memory controller holds; nullopt: none.
  virtual Result<std::optional<int64_t>> memory_limit(const std::string& path) const = 0;
};

// The machine's cgroups: version 2 if /sys/fs/cgroup is one, else version 1. NotFound if there are none.
Result<std::unique_ptr<Cgroups>> make_cgroups();
// Version 1 with its controllers' directories by name ("cpu" and "cpuacct" may share one), version 2 at its mount point.
std::unique_ptr<Cgroups> make_cgroups_v1(std::map<std::string, std::string> controllers);
std::unique_ptr<Cgroups> make_cgroups_v2(std::string root);

// The weight (1..10000) that stands for version 1 shares (2..262144): on a line from 2 to 262144, as the kubelet does.
uint64_t cpu_weight_of_shares(uint64_t shares);

}  // namespace pintle::os

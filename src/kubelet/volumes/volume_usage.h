// What a pod's volume holds and may hold, for statistics.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/task.h"

namespace pintle::kubelet::volumes {

// nullopt: not known.
struct VolumeSpace {
  std::optional<uint64_t> capacity_bytes, available_bytes, used_bytes;
  std::optional<uint64_t> inodes, inodes_free, inodes_used;
};

struct VolumeUsage {
  std::string pod_uid;
  std::string namespace_name;  // of the pod
  std::string name;            // of pod.spec.volumes
  std::string claim;           // "": it is none
  rt::WallTime at;
  VolumeSpace space;
};

// Of the file system that holds `path`. Blocks.
Result<VolumeSpace> file_system_space(const std::string& path);
// The same, and what the files below it use themselves. Timeout: it is larger than `walk_max` is long. Blocks.
Result<VolumeSpace> tree_space(const std::string& path, const rt::Clock& clock);
constexpr rt::Duration walk_max = std::chrono::seconds(10);

// VolumeUsages: measured when somebody asks, at most once in a period: on a node that nobody looks at nothing is counted.
class VolumeUsages {
 public:
  using Measure = std::function<rt::Task<std::vector<VolumeUsage>>(rt::Context)>;
  // `period` zero or less: never.
  VolumeUsages(rt::Runtime& runtime, Measure measure, rt::Duration period) : runtime_(runtime), measure_(std::move(measure)), period_(period) {}

  // The last that were measured; those of now are begun if these are older than the period.
  const std::vector<VolumeUsage>& latest();
  // Waits for the first ones, a moment at most: what lies on a disk that does not answer keeps nobody.
  rt::Task<void> wait_first(rt::Context ctx);
  rt::Task<void> stop() { co_await tasks_.close(); }

 private:
  rt::Task<void> run(rt::Context ctx);
  rt::Runtime& runtime_;
  const Measure measure_;
  const rt::Duration period_;
  std::vector<VolumeUsage> latest_;
  std::optional<rt::TimePoint> begun_;
  bool running_ = false;
  rt::Event measured_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::volumes

// EvictionManager: measures what the node has left, keeps its pressure conditions, and when something runs short reclaims it: unused
// images and dead containers first, then pods, one a round. Ends pods that exceed their own limits of local storage, and drives the
// collection of images, as both live on the same measurement. Belongs to the kubelet's executor.
//
// The kernel tells nothing when a disk fills: a statfs of each file system and three small files are read at each look. Pods' usage is
// measured only when something is short, or when a pod has limits of its own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cri/runtime_client.h"
#include "kubelet/eviction/plan.h"
#include "kubelet/images/image_collector.h"
#include "kubelet/pods/pod_workers.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_events.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::eviction {

constexpr rt::Duration eviction_look_every = std::chrono::seconds(10);
// How long an evicted pod may take to end and to be cleaned up before the next one is looked for.
constexpr rt::Duration eviction_cleanup_max = std::chrono::seconds(30);
// Walking the trees of pods with limits takes at most one part in this many of the time.
constexpr int limit_walk_share = 50;

struct EvictionDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  pods::PodWorkers& workers;
  PodEvents& events;
  images::ImageCollector& images;
  const Paths& paths;
  cgroups::PodCgroups* cgroups = nullptr;  // nullptr: pods have none
  // A warning event about the node.
  std::function<void(std::string_view reason, std::string message)> warn;
  // The node's conditions are others than before.
  std::function<void()> changed;
};

struct EvictionOptions {
  std::vector<Threshold> thresholds;
  rt::Duration hold = std::chrono::minutes(5);  // evictionPressureTransitionPeriod
  int64_t max_grace_seconds = 0;                // evictionMaxPodGracePeriod
  bool storage_limits = true;                   // localStorageCapacityIsolation
  rt::Duration look_every = eviction_look_every;
  int64_t memory_for_pods_bytes = 0;  // what the cgroup of all pods is limited to
};

class EvictionManager {
 public:
  EvictionManager(EvictionDeps deps, EvictionOptions options);

  // Measures once, then goes on in the background.
  void start();
  rt::Task<void> stop();

  // As of the last look.
  Pressure pressure() const { return pressure_; }
  // Pods evicted, by the signal that each was evicted for.
  const std::map<std::string, uint64_t>& evictions() const { return evictions_; }

 private:
  rt::Task<void> run(rt::Context ctx);
  // The pods that were evicted.
  rt::Task<std::vector<std::string>> look(rt::Context ctx);
  rt::Task<std::vector<std::string>> check_limits(rt::Context ctx);
  rt::Task<std::vector<std::string>> reclaim(rt::Context ctx, std::vector<Threshold> starved);
  rt::Task<bool> reclaim_node(rt::Context ctx, std::string signal);
  rt::Task<void> wait_for_cleanup(rt::Context ctx, std::vector<std::string> uids);
  rt::Task<void> find_image_disk(rt::Context ctx);
  rt::Task<void> collect_images(rt::Context ctx);
  void measure();
  std::vector<Threshold> judge_now();
  bool evict(const Eviction& eviction);
  std::vector<PodPtr> candidates() const;
  UsageSources sources() const { return {deps_.runtime, deps_.cri, deps_.cgroups, deps_.paths}; }

  const EvictionDeps deps_;
  const EvictionOptions options_;
  SignalValues values_;
  PressureMemory memory_;
  Pressure pressure_;
  std::string image_disk_;  // where images are; "": not known yet
  bool dedicated_images_ = false;
  std::map<std::string, uint64_t> evictions_;
  std::optional<rt::TimePoint> next_walk_;
  bool collecting_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::kubelet::eviction

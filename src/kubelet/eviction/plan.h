// What eviction does, from what was measured: which conditions the node has, what it is short of, which pod goes and what is said
// about it. Upstream's order, reasons and messages. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kubelet/eviction/thresholds.h"
#include "kubelet/eviction/usage.h"
#include "kubelet/types/pod.h"

namespace pintle::kubelet::eviction {

inline constexpr const char* eviction_reason = "Evicted";
constexpr int64_t immediate_eviction_grace_seconds = 1;

// What one look leaves to the next; thresholds by their place in the list.
struct PressureMemory {
  std::map<std::size_t, rt::TimePoint> met_since;  // without a break
  std::set<std::size_t> unresolved;                // were reclaimed for: met until their minimum reclaim is won, too
  std::map<std::string, rt::TimePoint> last_met;   // by resource of the condition
};

struct PressureVerdict {
  Pressure pressure;
  std::vector<Threshold> starved;  // met for their grace period, the first to reclaim for first
};
// `hold`: how long a condition stays after its thresholds are not met any more (evictionPressureTransitionPeriod).
PressureVerdict judge(const std::vector<Threshold>& thresholds, const SignalValues& values, rt::Duration hold, rt::TimePoint now,
                      PressureMemory& memory);
// Nothing is short any more, minimum reclaims included: no pod has to go.
bool is_reclaimed(const std::vector<Threshold>& thresholds, const SignalValues& values);
// Unused images and dead containers lie on the file system of this signal. `dedicated_images`: images have one of their own.
bool frees_images(std::string_view signal, bool dedicated_images);

struct MeasuredPod {
  PodPtr pod;
  const PodUsage* usage = nullptr;  // nullptr: not known
};

struct Eviction {
  std::string pod_uid;
  std::string signal;  // that the eviction is counted under
  std::string message;
  int64_t grace_seconds = immediate_eviction_grace_seconds;
  FlatMap<std::string> annotations;  // of the event
  bool disrupts = false;             // the pod gets the condition DisruptionTarget
};

struct EvictionInputs {
  const std::vector<Threshold>& starved;  // the first is reclaimed for; not empty
  const SignalValues& values;
  std::vector<MeasuredPod> pods;
  bool dedicated_images = false;
  int64_t max_grace_seconds = 0;  // evictionMaxPodGracePeriod
};
// The pods by who goes first: who uses more than it asked for, of lower priority, by how much.
std::vector<MeasuredPod> eviction_order(const EvictionInputs& inputs);
// The one that goes now; nullopt: only critical ones are there.
std::optional<Eviction> plan_eviction(const EvictionInputs& inputs);

// The pod has limits of its own for local storage: a size of an emptyDir, limits of ephemeral-storage.
bool has_storage_limits(const api::core_v1::Pod& pod);
// Those that use more than theirs.
std::vector<Eviction> plan_limit_evictions(const std::vector<MeasuredPod>& pods, bool dedicated_images);

}  // namespace pintle::kubelet::eviction

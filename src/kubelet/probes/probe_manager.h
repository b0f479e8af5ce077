// ProbeManager: runs the probes of running containers and knows their results. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kubelet/types/pod.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace pintle::kubelet::probes {

// Unknown: there is no such probe, or it has not decided yet (thresholds, initial delay).
enum class ProbeOutcome : uint8_t { Unknown, Success, Failure };
struct ProbeState {
  ProbeOutcome startup = ProbeOutcome::Unknown;
  ProbeOutcome readiness = ProbeOutcome::Unknown;
  ProbeOutcome liveness = ProbeOutcome::Unknown;
  bool operator==(const ProbeState&) const = default;
};

struct ProbedContainer {
  PodPtr pod;
  std::string container;     // a plain container or a sidecar
  std::string container_id;  // as the runtime knows it
  std::string pod_ip;        // "" while unknown
  rt::WallTime started_at;   // the delays count from it
  bool was_ready = false;    // its status in the API said so before the kubelet restarted: readiness goes on from there
};

class ProbeManager {
 public:
  virtual ~ProbeManager() = default;
  // The container runs. Called again with a newer pod or address: the same probes go on.
  virtual void start(ProbedContainer container) = 0;
  // The container has ended.
  virtual void stop(std::string_view container_id) = 0;
  // The pod terminates: no liveness and startup probes any more; readiness goes on until stop().
  virtual void terminate_pod(std::string_view pod_uid) = 0;
  virtual ProbeState state(std::string_view container_id) const = 0;
  // Called after each change of a state.
  virtual void on_change(std::function<void(const std::string& pod_uid)> listener) = 0;
  virtual rt::Task<void> close() = 0;
};

}  // namespace pintle::kubelet::probes

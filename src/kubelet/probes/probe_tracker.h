// ProbeTracker: what the results of one probe of one container amount to, by its thresholds. Pure.
#pragma once

#include <cstdint>

#include "api/gen/core_v1.h"
#include "kubelet/probes/probe_manager.h"

namespace pintle::kubelet::probes {

enum class ProbeKind : uint8_t { Startup, Readiness, Liveness };

class ProbeTracker {
 public:
  // What holds before the first verdict: not started, not ready, alive; readiness as before for a container that an
  // earlier kubelet saw ready.
  ProbeTracker(ProbeKind kind, const api::core_v1::Probe& probe, bool was_ready);

  ProbeOutcome outcome() const { return outcome_; }
  // No more probes until there is a new container: it is to be restarted, or its start is over.
  bool on_hold() const { return on_hold_; }
  // True if the outcome changed.
  bool add(bool success);

 private:
  const ProbeKind kind_;
  const int32_t success_threshold_;
  const int32_t failure_threshold_;
  ProbeOutcome outcome_ = ProbeOutcome::Unknown;
  bool on_hold_ = false;
  bool last_ = false;
  int32_t run_ = 0;  // results like the last one in a row
};

}  // namespace pintle::kubelet::probes

#include "kubelet/probes/probe_tracker.h"

#include <algorithm>
#include <utility>

namespace pintle::kubelet::probes {

ProbeTracker::ProbeTracker(ProbeKind kind, const api::core_v1::Probe& probe, bool was_ready)
    : kind_(kind), success_threshold_(std::max(probe.success_threshold, 1)), failure_threshold_(std::max(probe.failure_threshold, 1)) {
  switch (kind) {
    case ProbeKind::Startup: outcome_ = ProbeOutcome::Unknown; break;
    case ProbeKind::Readiness: outcome_ = was_ready ? ProbeOutcome::Success : ProbeOutcome::Failure; break;
    case ProbeKind::Liveness: outcome_ = ProbeOutcome::Success; break;
  }
}

bool ProbeTracker::add(bool success) {
  if (run_ == 0 || last_ != success) {
    last_ = success;
    run_ = 1;
  } else {
    ++run_;
  }
  if (run_ < (success ? success_threshold_ : failure_threshold_)) return false;
  const ProbeOutcome verdict = success ? ProbeOutcome::Success : ProbeOutcome::Failure;
  if ((kind_ == ProbeKind::Liveness && !success) || kind_ == ProbeKind::Startup) on_hold_ = true;
  return std::exchange(outcome_, verdict) != verdict;
}

}  // namespace pintle::kubelet::probes

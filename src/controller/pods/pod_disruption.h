// Writing on a pod why the control plane ends it: the condition DisruptionTarget.
#pragma once

#include <string>

#include "client/client.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::pods {

// Of the histograms that say how late evicted pods were deleted, in seconds.
inline constexpr double deletion_bounds[] = {0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240};

struct Disruption {
  std::string reason;  // "DeletionByTaintManager", "DeletionByPodGC"
  std::string message;
  bool fail = false;  // its phase becomes Failed too
};
// Of all: NotFound and Conflict (another pod of that name) are no failures.
rt::Task<Result<Unit>> mark_failed(client::Client& client, rt::Context ctx, PodPtr pod);
rt::Task<Result<Unit>> mark_disrupted(client::Client& client, rt::Context ctx, PodPtr pod, Disruption disruption, rt::WallTime now);
// The condition becomes False, without a reason, as the pod's end did not come.
rt::Task<Result<Unit>> mark_undisrupted(client::Client& client, rt::Context ctx, PodPtr pod, rt::WallTime now);

}  // namespace pintle::controller::pods

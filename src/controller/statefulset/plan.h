// What a StatefulSet does next, and its status. Pure. In order (OrderedReady) at most one pod is made or deleted in a round,
// and only when those before it are well; Parallel goes on with all.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "controller/pods/pod_state.h"
#include "controller/statefulset/identity.h"
#include "rt/clock.h"

namespace pintle::controller::statefulset {

struct Creation {
  int32_t ordinal = 0;
  bool current = false;  // of the current revision; else of the update revision
};
struct Removal {
  pods::PodPtr pod;
  std::string event;  // "RecreatingFailedPod" ...; "": the usual one
};
struct Plan {
  std::vector<Creation> create;
  std::vector<Removal> remove;
  std::vector<pods::PodPtr> repair;        // identity or storage is not that of the ordinal
  std::vector<int32_t> claims;             // ordinals whose pods wait: their claims are to be there
  api::apps_v1::StatefulSetStatus status;  // before what is planned is done
  std::optional<rt::Duration> look_again;
};
struct Observed {
  const StatefulSet& set;
  const std::vector<pods::PodPtr>& pods;
  std::string current_revision;  // names
  std::string update_revision;
  rt::WallTime now;
};
Plan plan_set(const Observed& observed);

// The status after a roll-out that is done: the update revision has become the current one.
void complete_rollout(const StatefulSet& set, api::apps_v1::StatefulSetStatus& status);

}  // namespace pintle::controller::statefulset

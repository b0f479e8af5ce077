#include "controller/pods/pod_state.h"

#include <algorithm>

#include "controller/objects/time.h"

namespace pintle::controller::pods {

using api::core_v1::Pod;

bool is_available(const Pod& pod, int32_t min_ready_seconds, rt::WallTime now) {
  const auto* ready = rules::ready_condition(pod);
  if (ready == nullptr || ready->status != "True") return false;
  if (min_ready_seconds == 0) return true;
  return !ready->last_transition_time.zero() &&
         apimachinery::to_wall_time(ready->last_transition_time) + std::chrono::seconds(min_ready_seconds) <= now;
}

std::optional<rt::Duration> until_available(const Pod& pod, int32_t min_ready_seconds, rt::WallTime now) {
  const auto* ready = rules::ready_condition(pod);
  if (ready == nullptr || ready->status != "True" || min_ready_seconds == 0 || ready->last_transition_time.zero()) return std::nullopt;
  const auto wait = apimachinery::to_wall_time(ready->last_transition_time) + std::chrono::seconds(min_ready_seconds) - now;
  if (wait <= rt::Duration::zero()) return std::nullopt;
  return wait;
}

int32_t max_container_restarts(const Pod& pod) {
  int32_t most = 0;
  for (const auto& status : pod.status.init_container_statuses) most = std::max(most, status.restart_count);
  for (const auto& status : pod.status.container_statuses) most = std::max(most, status.restart_count);
  return most;
}

}  // namespace pintle::controller::pods

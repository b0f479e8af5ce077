// What a pod's status says to controllers, beyond what it says to everybody (rules/pod_state.h). Pure.
#pragma once

#include <memory>

#include "api/gen/core_v1.h"
#include "rt/clock.h"
#include "rules/pod_state.h"

namespace pintle::controller::pods {

using PodPtr = std::shared_ptr<const api::core_v1::Pod>;

// Ready for at least `min_ready_seconds`.
bool is_available(const api::core_v1::Pod& pod, int32_t min_ready_seconds, rt::WallTime now);
// When a ready pod becomes available; nullopt: it is not ready, or is available already.
std::optional<rt::Duration> until_available(const api::core_v1::Pod& pod, int32_t min_ready_seconds, rt::WallTime now);
inline bool is_deleted(const api::meta_v1::ObjectMeta& meta) { return meta.deletion_timestamp.has_value(); }
// Restarts of all containers; the highest of one.
int32_t max_container_restarts(const api::core_v1::Pod& pod);

}  // namespace pintle::controller::pods

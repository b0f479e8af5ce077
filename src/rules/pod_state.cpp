#include "rules/pod_state.h"

#include "rules/conditions.h"

namespace pintle::rules {

using api::core_v1::Pod;

bool is_terminal_phase(std::string_view phase) { return phase == "Succeeded" || phase == "Failed"; }
const api::core_v1::PodCondition* ready_condition(const Pod& pod) { return find_condition(pod.status.conditions, "Ready"); }
bool is_ready(const Pod& pod) { return condition_is(pod.status.conditions, "Ready", "True"); }
bool is_active(const Pod& pod) { return !is_terminal(pod) && !pod.metadata.deletion_timestamp; }

}  // namespace pintle::rules

// What a pod's status says of where it stands. Pure.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::rules {

// Succeeded or Failed: its containers never run again.
bool is_terminal_phase(std::string_view phase);
inline bool is_terminal(const api::core_v1::Pod& pod) { return is_terminal_phase(pod.status.phase); }
// The condition Ready, or nullptr.
const api::core_v1::PodCondition* ready_condition(const api::core_v1::Pod& pod);
// Ready is True.
bool is_ready(const api::core_v1::Pod& pod);
// Neither ended nor on its way out.
bool is_active(const api::core_v1::Pod& pod);

}  // namespace pintle::rules

// Which day is to be noted where, of tokens that Secrets keep. Pure; times are seconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/gen/core_v1.h"

namespace pintle::apiserver::token_tracking {

// The day that a Secret whose token is used now is to be labelled with; nullopt: it is already. A day ahead stays: the clock of another
// server of this cluster may be a little further.
std::optional<std::string> day_to_note(const api::core_v1::Secret& secret, int64_t now);

// Whether the ConfigMap says since when uses are noted.
bool says_since(const api::core_v1::ConfigMap& map);

}  // namespace pintle::apiserver::token_tracking

// Which tokens in Secrets nobody uses any more. Pure; times are seconds since 1970.
#pragma once

#include <cstdint>
#include <optional>

#include "api/gen/core_v1.h"

namespace pintle::controller::legacy_token_cleaner {

struct Period {
  int64_t now = 0;
  int64_t clean_up_seconds = 0;
};

// Whether the use of tokens has been noted for that long. nullopt: the ConfigMap does not say since when.
std::optional<bool> noted_long_enough(const api::core_v1::ConfigMap& map, Period period);

// Whether the Secret is old enough, has not been used for that long, and is one of those that managers of old made for their accounts, which
// list them: those that somebody asked for stay. `account`: any of the name that the Secret states; nullptr: none.
bool is_unused(const api::core_v1::Secret& secret, const api::core_v1::ServiceAccount* account, Period period);

enum class Step { Mark, Wait, Remove };
// The next step with an unused Secret that no pod mounts: it is marked invalid first, and removed when nobody has missed it for as long again.
Step next_step(const api::core_v1::Secret& secret, Period period);

}  // namespace pintle::controller::legacy_token_cleaner

// Which owner references a request brings. Pure.
#pragma once

#include <vector>

#include "api/gen/meta_v1.h"

namespace pintle::apiserver::admission::owner_references {

using References = std::vector<api::meta_v1::OwnerReference>;

inline constexpr std::size_t blocking_max = 1000;  // in one request: each is asked about

// `before`: of the stored object; empty at a create.
bool have_changed(const References& now, const References& before);
// Those that keep their owner from going before the object, and did not before.
References newly_blocking(const References& now, const References& before);

}  // namespace pintle::apiserver::admission::owner_references

// What of the API a pod refers to. A static pod may not: it runs without the API, and the API server refuses its mirror, through which a node
// would give itself the right to read what it names. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/gen/core_v1.h"

namespace pintle::rules {

struct ApiReference {
  std::string kind;   // upstream's words: "secrets", "csidrivers (via CSI volumes)"
  std::string field;  // "spec.volumes[0].csi"
};
// The one that is told of: a service account before secrets, those before config maps, those before resource claims and the rest; of equal
// ones the first. nullopt: none.
std::optional<ApiReference> api_reference(const api::core_v1::Pod& pod);

}  // namespace pintle::rules

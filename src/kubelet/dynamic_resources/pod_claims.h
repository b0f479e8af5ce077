// The ResourceClaims of a pod, by name, and which requests of them a container uses. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::dynamic_resources {

struct PodClaim {
  std::string name;          // of the ResourceClaim
  bool check_owner = false;  // it must have been made for the pod
};

// Those of its spec that have a claim; `extended`: also the one for its extended resources. In upstream's words: one is not made yet.
Result<std::vector<PodClaim>> claims_of(const api::core_v1::Pod& pod, bool extended);
// By the ResourceClaim's name, the requests in it that a container names ("": all). Containers of the spec alone.
using RequestsByClaim = std::map<std::string, std::vector<std::string>>;
Result<RequestsByClaim> requests_of(const api::core_v1::Pod& pod, const api::core_v1::Container& container, bool extended);

}  // namespace pintle::kubelet::dynamic_resources

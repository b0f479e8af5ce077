// Which pods make room for a critical one. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::kubelet::admission {

struct Shortage {
  std::string resource;
  int64_t amount = 0;  // cpu in millicores, others in their units
};

// The requests of a pod for a resource, in the unit of a Shortage; 1 for "pods".
int64_t request_amount(const api::core_v1::Pod& pod, std::string_view resource);

// As few as possible: best-effort pods before burstable before guaranteed ones, of lower priority than `pod` alone (or not
// critical). Empty: they would not suffice.
std::vector<const api::core_v1::Pod*> pods_to_preempt(const api::core_v1::Pod& pod, const std::vector<const api::core_v1::Pod*>& others,
                                                      std::vector<Shortage> shortages);

}  // namespace pintle::kubelet::admission

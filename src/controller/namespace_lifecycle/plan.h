// What a namespace that is being deleted says about itself. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::controller::namespace_lifecycle {

inline constexpr std::string_view finalizer = "kubernetes";

// What a round of deletion found.
struct Outcome {
  std::vector<std::string> undiscovered;        // groups whose resources are not known
  std::map<std::string, std::string> failures;  // "pods." or "deployments.apps": why they could not be deleted
  std::map<std::string, int> remaining;         // "pods.": how many objects are still there
  std::map<std::string, int> finalizers;        // on those: how many of them have it
  bool empty() const { return undiscovered.empty() && failures.empty() && remaining.empty(); }
};

// The status with its conditions after the round.
api::core_v1::NamespaceStatus plan_status(const api::core_v1::NamespaceStatus& status, const Outcome& outcome, rt::WallTime now);

}  // namespace pintle::controller::namespace_lifecycle

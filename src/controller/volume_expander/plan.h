// What is said of a claim that asks for more than it has: nobody here makes volumes larger, drivers do. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/gen/core_v1.h"

namespace pintle::controller::volume_expander {

// Whether its volume is to be larger than it is.
bool wants_more(const api::core_v1::PersistentVolumeClaim& claim);
// Whether an update of a claim is one that this is about: it asks for more than before, or has got more.
bool is_news(const api::core_v1::PersistentVolumeClaim& before, const api::core_v1::PersistentVolumeClaim& now);
bool is_bound_to(const api::core_v1::PersistentVolume& volume, const api::core_v1::PersistentVolumeClaim& claim);

struct Plan {
  std::string message;  // of the event ExternalExpanding at the claim
  std::string resizer;  // the driver to be named at the claim; "": none
};
// nullopt: nothing is to be done. The volume is the claim's.
std::optional<Plan> plan_expansion(const api::core_v1::PersistentVolumeClaim& claim, const api::core_v1::PersistentVolume& volume);

inline constexpr std::string_view resizer_annotation = "volume.kubernetes.io/storage-resizer";

}  // namespace pintle::controller::volume_expander

// Hashes that stand in names and labels: FNV-1a over an object's protobuf form, written with the letters that upstream
// uses, so that a name neither spells a word nor ends in a dash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "api/type.h"

namespace pintle::controller::objects {

uint32_t fnv1a_32(std::string_view data, uint32_t seed = 2166136261u);
// The digits of `hash` in the alphabet of drawn names.
std::string safe_hash(uint32_t hash);
uint32_t object_hash(const api::Type& type, const void* object);

// Of a workload's pod template; `collisions` gives another one when a name is taken.
std::string pod_template_hash(const api::core_v1::PodTemplateSpec& pod_template, std::optional<int32_t> collisions);
// Whether two templates say the same, whatever their pod-template-hash label.
bool equal_ignoring_hash(const api::core_v1::PodTemplateSpec& a, const api::core_v1::PodTemplateSpec& b);

}  // namespace pintle::controller::objects

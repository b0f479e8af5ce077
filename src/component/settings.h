// What of a component's configuration is known and does nothing: for the one line at its start. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/value.h"

namespace pintle::component {

// Those of `paths` (members by dots: "logging.options") that differ between a configuration and the default one.
std::vector<std::string> differing_settings(const codec::Value& ours, const codec::Value& defaults, std::span<const std::string_view> paths);
// Known feature gates that are set to something else than their default and that the component never asks: "featureGates.MemoryQoS".
std::vector<std::string> unasked_gates(const std::map<std::string, bool>& wanted, std::span<const std::string_view> asked);

}  // namespace pintle::component

// Durations as tables show them.
#pragma once

#include <chrono>
#include <string>

namespace pintle::apimachinery {

// Two or three significant figures: "95s", "5m10s", "3h", "5d3h", "2y10d". A second before now is "0s", more than that
// "<invalid>".
std::string human_duration(std::chrono::nanoseconds duration);
// One figure: "95s" is "1m".
std::string short_human_duration(std::chrono::nanoseconds duration);

}  // namespace pintle::apimachinery

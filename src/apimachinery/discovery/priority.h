// Where a group version stands in discovery: what the APIService that stands for it says, with upstream's numbers for those of this server.
#pragma once

#include <cstdint>
#include <string_view>

namespace pintle::apimachinery {

struct DiscoveryPriority {
  int32_t group = 0;    // groupPriorityMinimum: higher first, and of a group the highest of its versions'
  int32_t version = 0;  // versionPriority: higher first, then version_precedes()
  bool operator==(const DiscoveryPriority&) const = default;
};

// Of a built-in group version, or of one that definitions brought (1000 and 100).
DiscoveryPriority discovery_priority(std::string_view group, std::string_view version);

}  // namespace pintle::apimachinery

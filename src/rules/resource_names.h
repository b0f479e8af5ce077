// What the name of a resource says of it. Pure.
#pragma once

#include <string_view>

namespace pintle::rules {

// Kubernetes' own: without a domain, or of one that ends in kubernetes.io.
bool is_native_resource(std::string_view name);
// A vendor's: not native, a good name also behind "requests.", and not there already. It is counted in whole numbers.
bool is_extended_resource(std::string_view name);
// hugepages-SIZE
bool is_huge_pages(std::string_view name);
// A node may promise more of it than it has: requests may be less than limits.
bool is_overcommitted(std::string_view name);
// What a pod may state as a whole: cpu, memory and huge pages.
bool is_pod_level_resource(std::string_view name);

}  // namespace pintle::rules

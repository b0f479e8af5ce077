// The ranges that cluster IPs come from.
#pragma once

#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/status.h"

namespace pintle::apiserver {

// The value of --service-cluster-ip-range: one range, or one of each family, with a comma between; the first family is the cluster's
// own. Bits past a prefix are cleared (10.96.7.9/16 is 10.96.0.0/16). BadRequest, which names the flag, for anything else.
Result<std::vector<IpPrefix>> parse_service_ranges(std::string_view text);

}  // namespace pintle::apiserver

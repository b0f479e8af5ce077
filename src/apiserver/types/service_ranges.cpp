#include "apiserver/types/service_ranges.h"

#include <string>

#include "base/split.h"

namespace pintle::apiserver {

Result<std::vector<IpPrefix>> parse_service_ranges(std::string_view text) {
  const std::string flag = "--service-cluster-ip-range";
  std::vector<IpPrefix> out;
  for (const std::string_view part : split(text, ',')) {
    const auto range = parse_prefix(part);
    if (!range) return bad_request(flag + ": \"" + std::string(part) + "\" is no address range such as 10.96.0.0/16");
    if (!range->nth(1)) return bad_request(flag + ": " + range->to_string() + " has no address for the service \"kubernetes\"");
    out.push_back(*range);
  }
  if (out.size() > 2 || (out.size() == 2 && out[0].address.family == out[1].address.family))
    return bad_request(flag + " takes one range, or one of IPv4 and one of IPv6, not \"" + std::string(text) + "\"");
  return out;
}

}  // namespace pintle::apiserver

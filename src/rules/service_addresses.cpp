#include "rules/service_addresses.h"

#include <algorithm>

#include "rules/conditions.h"

namespace pintle::rules {

using api::networking_v1::ServiceCIDR;

bool is_assignable(const IpPrefix& range, const IpAddress& address) {
  if (!range.contains(address) || address == range.masked().address) return false;
  if (address.is_v6()) return true;
  const uint64_t size = uint64_t{1} << (range.address.width_bits() - range.bits);
  return range.masked().nth(size - 1) != address;
}

std::vector<IpPrefix> ranges_of(const ServiceCIDR& cidr) {
  std::vector<IpPrefix> out;
  for (const std::string& text : cidr.spec.cidrs)
    if (const auto range = parse_prefix(text)) out.push_back(*range);
  return out;
}

bool has_assignable(const ServiceCIDR& cidr, const IpAddress& address) {
  return std::ranges::any_of(ranges_of(cidr), [&](const IpPrefix& range) { return is_assignable(range, address); });
}

bool is_open(const ServiceCIDR& cidr) {
  if (cidr.metadata.deletion_timestamp) return false;
  const auto* ready = find_condition(cidr.status.conditions, "Ready");
  return ready == nullptr || ready->status == "True";
}

}  // namespace pintle::rules

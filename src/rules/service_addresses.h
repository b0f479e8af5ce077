// The ranges that Services have their addresses from (ServiceCIDRs), and the IPAddress that each such address has. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "api/gen/networking_v1.h"
#include "base/ip_address.h"

namespace pintle::rules {

// Labels of an IPAddress, and what the second says of one that the API server keeps.
constexpr std::string_view address_family_label = "ipaddress.kubernetes.io/ip-family";
constexpr std::string_view address_manager_label = "ipaddress.kubernetes.io/managed-by";
constexpr std::string_view service_address_manager = "ipallocator.k8s.io";

// Whether Services may have the address out of this range: its first address, and in IPv4 its last, are nobody's.
bool is_assignable(const IpPrefix& range, const IpAddress& address);
// What cannot be read is left out.
std::vector<IpPrefix> ranges_of(const api::networking_v1::ServiceCIDR& cidr);
// Whether Services may have addresses out of one of its ranges.
bool has_assignable(const api::networking_v1::ServiceCIDR& cidr, const IpAddress& address);
// Whether new addresses come from it: it is not going, and no condition says that it is not ready.
bool is_open(const api::networking_v1::ServiceCIDR& cidr);

}  // namespace pintle::rules

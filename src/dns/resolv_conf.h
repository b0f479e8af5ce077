// The name servers of a resolv.conf(5) file.
#pragma once

#include <string_view>
#include <vector>

#include "rt/network.h"

namespace pintle::dns {

constexpr uint16_t dns_port = 53;
// As many as CoreDNS forwards to.
constexpr std::size_t upstreams_max = 15;

// In the file's order; what is no address is left out.
std::vector<rt::Endpoint> parse_resolv_conf(std::string_view text);
// "10.0.0.1", "10.0.0.1:5353", "fd00::1", "[fd00::1]:53"; Invalid for anything else.
Result<rt::Endpoint> parse_upstream(std::string_view text);

}  // namespace pintle::dns

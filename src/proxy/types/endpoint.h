// The endpoints of a Service's ports, merged from its EndpointSlices.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/gen/discovery_v1.h"
#include "proxy/types/address.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy {

struct Endpoint {
  Address address;
  uint16_t port = 0;
  bool local = false;  // on this node
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  std::vector<std::string> zone_hints;
  std::vector<std::string> node_hints;

  bool operator==(const Endpoint&) const = default;
  // "10.0.0.1:80", "[fd00::1]:80".
  std::string to_string() const;
};

// By port name and protocol; each list is in the order of address and port, without duplicates.
using EndpointsByPort = std::map<std::pair<std::string, Protocol>, std::vector<Endpoint>>;

// What one EndpointSlice says, kept between its updates. Ports without a name or a number, and addresses that are none
// (FQDN slices), are left out.
struct SliceEndpoints {
  Family family = Family::IPv4;
  EndpointsByPort ports;
  bool operator==(const SliceEndpoints&) const = default;
};
SliceEndpoints slice_endpoints(const api::discovery_v1::EndpointSlice& slice, std::string_view node_name);

// An endpoint that two slices name (a pod moved between slices, or an address that a new pod got while the old one still
// ends) counts once: of two, the one that is not terminating.
EndpointsByPort merge_endpoints(const std::vector<const SliceEndpoints*>& slices);

}  // namespace pintle::proxy

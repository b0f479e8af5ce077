// For this folder's tests: services and slices from YAML, and a network namespace whose tables a test may fill.
#pragma once

#include <sched.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "base/check.h"
#include "codec/yaml.h"
#include "proxy/nftables/table.h"

namespace pintle::proxy::nftables::testing {

// The objects of a YAML stream of kinds Service and EndpointSlice.
struct Objects {
  std::vector<api::core_v1::Service> services;
  std::vector<api::discovery_v1::EndpointSlice> slices;
};

template <class T>
T decode(const codec::Value& value) {
  T out;
  CHECK(api::decode_value(value, api::type_of<T>(), &out), "the test's object is well-formed");
  return out;
}

inline Objects parse(std::string_view stream) {
  Objects out;
  for (const std::string_view document : codec::split_yaml(stream)) {
    auto value = codec::parse_yaml(document);
    CHECK(value, "the test's YAML is well-formed");
    if (document.find("kind: EndpointSlice") != std::string_view::npos)
      out.slices.push_back(decode<api::discovery_v1::EndpointSlice>(*value));
    else
      out.services.push_back(decode<api::core_v1::Service>(*value));
  }
  return out;
}

// Puts each service with its slices.
inline void put(Table& table, const Objects& objects) {
  for (const auto& service : objects.services) {
    std::vector<const api::discovery_v1::EndpointSlice*> slices;
    for (const auto& slice : objects.slices) {
      const std::string* owner = slice.metadata.labels.get("kubernetes.io/service-name");
      if (slice.metadata.namespace_ == service.metadata.namespace_ && owner && *owner == service.metadata.name) slices.push_back(&slice);
    }
    table.update({service.metadata.namespace_, service.metadata.name}, &service, slices);
  }
}

inline RulesConfig config(Family family = Family::IPv4) {
  RulesConfig out{.family = family, .if_local = "ip saddr 10.0.0.0/8", .if_not_local = "ip saddr != 10.0.0.0/8", .node_name = "node-1", .zone = "a"};
  out.node_ip = parse_address("192.168.0.2");
  out.node_port_ips = {*out.node_ip};
  out.service_cidrs = {*parse_prefix("172.30.0.0/16")};
  if (family == Family::IPv4) return out;
  out.if_local = "ip6 saddr fd00:10::/64";
  out.if_not_local = "ip6 saddr != fd00:10::/64";
  out.node_ip = parse_address("2001:db8::1");
  out.node_port_ips = {*out.node_ip};
  out.service_cidrs = {*parse_prefix("fd00:10:96::/112")};
  return out;
}

// From here on this thread lives in an empty network namespace. False where the machine does not allow that.
inline bool enter_empty_network() { return unshare(CLONE_NEWNET) == 0; }

}  // namespace pintle::proxy::nftables::testing

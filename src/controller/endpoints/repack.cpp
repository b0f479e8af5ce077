#include <algorithm>
#include <map>
#include <set>

#include "api/codec.h"
#include "controller/endpoints/plan.h"

namespace pintle::controller::endpoints {

using api::core_v1::EndpointAddress;
using api::core_v1::EndpointPort;

namespace {

template <class T>
std::string key_of(const T& value) {
  std::string out;
  api::encode_proto(api::type_of<T>(), &value, out);
  return out;
}

// By address, then by target.
std::string address_key(const EndpointAddress& address) { return address.ip + '\n' + (address.target_ref ? address.target_ref->uid : ""); }

struct Member {
  EndpointAddress address;
  bool ready = false;
};

}  // namespace

std::vector<EndpointSubset> repack(const std::vector<EndpointSubset>& subsets) {
  std::map<std::string, EndpointPort> ports;
  std::map<std::string, std::map<std::string, Member>> by_port;  // port → address → the address
  for (const EndpointSubset& subset : subsets) {
    std::vector<EndpointPort> with_none = subset.ports;
    if (with_none.empty()) with_none.push_back({});  // addresses without ports: a headless service
    for (const EndpointPort& port : with_none) {
      const std::string port_key = subset.ports.empty() ? std::string() : key_of(port);
      ports[port_key] = port;
      for (const EndpointAddress& address : subset.not_ready_addresses) by_port[port_key].try_emplace(address_key(address), Member{address, false});
      for (const EndpointAddress& address : subset.addresses) by_port[port_key][address_key(address)] = Member{address, true};
    }
  }
  // Ports whose addresses (and their readiness) are the same share a subset.
  std::map<std::string, std::vector<std::string>> groups;
  for (const auto& [port_key, members] : by_port) {
    std::string group;
    for (const auto& [key, member] : members) group += key + (member.ready ? "\1" : "\2");
    groups[group].push_back(port_key);
  }
  std::vector<EndpointSubset> out;
  for (const auto& [group, port_keys] : groups) {
    EndpointSubset subset;
    for (const std::string& key : port_keys)
      if (!key.empty()) subset.ports.push_back(ports[key]);
    for (const auto& [key, member] : by_port[port_keys.front()])
      (member.ready ? subset.addresses : subset.not_ready_addresses).push_back(member.address);
    out.push_back(std::move(subset));
  }
  return out;
}

}  // namespace pintle::controller::endpoints

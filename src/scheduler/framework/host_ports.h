// HostPorts: the host ports in use on a node, by address and protocol. 0.0.0.0 clashes with every address.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "rules/pod_resources.h"

namespace pintle::scheduler {

struct HostPort {
  std::string ip;
  std::string protocol;
  int32_t port = 0;
  bool operator==(const HostPort&) const = default;
};

inline bool clash(const HostPort& a, const HostPort& b) {
  constexpr std::string_view any = "0.0.0.0";
  return a.port == b.port && a.protocol == b.protocol && (a.ip == b.ip || a.ip == any || b.ip == any);
}

// The host ports that a pod's containers (and sidecars) take.
inline std::vector<HostPort> host_ports_of(const api::core_v1::Pod& pod) {
  std::vector<HostPort> out;
  const auto take = [&out](const api::core_v1::Container& container) {
    for (const auto& port : container.ports)
      if (port.host_port > 0)
        out.push_back({port.host_ip.empty() ? "0.0.0.0" : port.host_ip, port.protocol.empty() ? "TCP" : port.protocol, port.host_port});
  };
  for (const auto& container : pod.spec.containers) take(container);
  for (const auto& container : pod.spec.init_containers)
    if (rules::is_sidecar(container)) take(container);
  return out;
}

class HostPorts {
 public:
  void add(const std::vector<HostPort>& ports) { ports_.insert(ports_.end(), ports.begin(), ports.end()); }
  void remove(const std::vector<HostPort>& ports) {
    for (const HostPort& port : ports) {
      auto it = std::ranges::find(ports_, port);
      if (it != ports_.end()) ports_.erase(it);
    }
  }
  bool conflicts(const std::vector<HostPort>& wanted) const {
    for (const HostPort& want : wanted)
      for (const HostPort& used : ports_)
        if (clash(want, used)) return true;
    return false;
  }

 private:
  std::vector<HostPort> ports_;  // few: those of one node
};

}  // namespace pintle::scheduler

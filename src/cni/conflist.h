// The CNI configuration of a node: the standard plugins bridge, host-local and portmap (the runtime adds loopback itself).
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace pintle::cni {

struct ConflistSettings {
  std::string name = "pintle";
  std::string bridge = "pintle0";      // of the pods' links
  std::vector<std::string> pod_cidrs;  // of this node, one of each family
  uint32_t mtu = 0;                    // 0: the kernel's
  std::string data_dir;                // of host-local's leases; "": its own, /var/lib/cni/networks
  bool port_mappings = true;           // hostPort
};

// The text of NAME.conflist. Invalid without a pod CIDR, or with one that is none.
Result<std::string> conflist(const ConflistSettings& settings);

}  // namespace pintle::cni

// The kernel's limits of connection tracking, as KubeProxyConfiguration.conntrack asks for them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeproxyconfig_v1alpha1.h"

namespace pintle::proxy {

struct SysctlWrite {
  std::string path;  // "/proc/sys/net/netfilter/..."
  int64_t value = 0;
  bool operator==(const SysctlWrite&) const = default;
};
// What differs from the current values and is to be written. The table of connections is only ever made larger.
// `current` gives the value of a path, nullopt if there is no such setting.
std::vector<SysctlWrite> plan_conntrack(const api::kubeproxyconfig_v1alpha1::KubeProxyConntrackConfiguration& config, std::size_t cores,
                                        const std::function<std::optional<int64_t>(const std::string& path)>& current);

// Writes them; what the kernel refuses (in a network namespace the table's size is the host's affair) is logged. Blocks.
void apply_conntrack(const api::kubeproxyconfig_v1alpha1::KubeProxyConntrackConfiguration& config);

}  // namespace pintle::proxy

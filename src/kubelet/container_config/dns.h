// A pod's resolver configuration by its dnsPolicy and dnsConfig. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kubelet/container_config/container_config.h"

namespace pintle::kubelet::container_config {

constexpr std::size_t dns_servers_max = 3;
constexpr std::size_t dns_searches_max = 32;
constexpr std::size_t dns_search_line_max = 2048;
constexpr std::size_t dns_search_max = 253;

struct ResolvConf {
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::string> options;
};
// Later search lines replace earlier ones, a later option one of the same name. Error: a nameserver line without one.
Result<ResolvConf> parse_resolv_conf(std::string_view text);

// What exceeds the limits is cut off, with a warning.
Result<api::cri_v1::DNSConfig> make_dns_config(const api::core_v1::Pod& pod, const NodeConfig& node, std::vector<ConfigWarning>& warnings);

}  // namespace pintle::kubelet::container_config

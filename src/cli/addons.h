// What a new cluster of `pintle server` holds besides upstream's bootstrap objects: how nodes join, and the cluster's DNS.
// Manifests, applied at each start.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cli/cluster_config.h"

namespace pintle::cli {

constexpr uint16_t cluster_dns_port = 10053;  // on the node; the Service's port is 53

struct AddonFacts {
  std::string server_url;  // as other nodes reach it
  std::string ca_pem;
  std::string kubelet_serving_ca_pem;  // who signs kubelets' serving certificates
  std::string dns_node_ip;             // where the cluster's DNS listens; "": it is disabled
};
// File name -> YAML.
std::map<std::string, std::string> addon_manifests(const ClusterConfig& config, const AddonFacts& facts);

}  // namespace pintle::cli

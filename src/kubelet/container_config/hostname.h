// A pod's names in the network, and the hosts file that tells its containers. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::container_config {

struct PodHostname {
  std::string name;    // the pod's hostname, or its own name, cut to 63 characters
  std::string domain;  // SUBDOMAIN.NAMESPACE.svc.CLUSTER_DOMAIN; "" without a subdomain
};
Result<PodHostname> pod_hostname(const api::core_v1::Pod& pod, std::string_view cluster_domain);
// What the kernel is told: with setHostnameAsFQDN the whole name, which must fit 64 characters.
Result<std::string> kernel_hostname(const api::core_v1::Pod& pod, const PodHostname& hostname);

// The hosts file of a pod with a network of its own.
std::string managed_hosts(const std::vector<std::string>& pod_ips, const PodHostname& hostname, const std::vector<api::core_v1::HostAlias>& aliases);
// Of a pod on the node's network: the node's file and the aliases.
std::string node_hosts(std::string_view node_file, const std::vector<api::core_v1::HostAlias>& aliases);

}  // namespace pintle::kubelet::container_config

// The downward API: what a pod's fields and resources are as text, for variables and files. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"
#include "base/status.h"

namespace pintle::kubelet::downward {

// What of a running pod its object may not say yet.
struct PodAddresses {
  std::vector<std::string> host_ips;  // the first is status.hostIP
  std::vector<std::string> pod_ips;   // the first is status.podIP
};

// metadata.name, .namespace, .uid, .labels, .annotations, .labels['k'], .annotations['k'], spec.nodeName,
// spec.serviceAccountName, status.hostIP(s), status.podIP(s). Error: "unsupported fieldPath: x".
Result<std::string> field_value(const api::core_v1::Pod& pod, std::string_view field_path, const PodAddresses& addresses);

// limits.* and requests.* of cpu, memory, ephemeral-storage and hugepages, divided and rounded up. A limit that is not
// set is the node's allocatable. `container`: the one that asks; the selector may name another of the pod.
Result<std::string> resource_value_text(const api::core_v1::Pod& pod, const api::core_v1::Container* container,
                                        const api::core_v1::ResourceFieldSelector& selector, const FlatMap<api::Quantity>& node_allocatable);

// key="value" lines in key order, without a newline at the end.
std::string format_map(const FlatMap<std::string>& map);

}  // namespace pintle::kubelet::downward

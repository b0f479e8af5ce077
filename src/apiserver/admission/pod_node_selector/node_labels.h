// The rules of PodNodeSelector: which labels of nodes the pods of a namespace ask for, and may ask for. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::apiserver::admission::pod_node_selector {

using NodeLabels = std::map<std::string, std::string>;
// By namespace, as selectors; cluster_default: of namespaces that state none themselves.
using NamespaceSelectors = std::map<std::string, std::string, std::less<>>;
inline constexpr std::string_view cluster_default = "clusterDefaultNodeSelector";
inline constexpr std::string_view selector_annotation = "scheduler.alpha.kubernetes.io/node-selector";

// "a=b, c=d"; Unknown (500), as the selector is an operator's: in upstream's words.
Result<NodeLabels> parse_node_labels(std::string_view selector);
// What every pod of the namespace asks for: by its annotation, else by the cluster's default.
Result<NodeLabels> labels_of_namespace(const api::core_v1::Namespace& ns, const NamespaceSelectors& configured);
// Whether both ask for a label, with different values.
bool conflict(const NodeLabels& wanted, const FlatMap<std::string>& pod);
// Whether the pod asks for nothing but what its namespace may; an empty list allows everything.
bool is_allowed(const FlatMap<std::string>& pod, const NodeLabels& allowed);

}  // namespace pintle::apiserver::admission::pod_node_selector

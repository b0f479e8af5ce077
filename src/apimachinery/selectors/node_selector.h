// What of a pod's spec is about nodes: node selectors and affinity terms. Pure.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"

namespace pintle::apimachinery {

// Any of its terms; a selector without terms matches nothing, and neither does an empty term.
bool matches_node(const api::core_v1::NodeSelector& selector, const FlatMap<std::string>& labels, std::string_view node_name);
// One term: all of its expressions and fields (metadata.name alone).
bool matches_node(const api::core_v1::NodeSelectorTerm& term, const FlatMap<std::string>& labels, std::string_view node_name);
// spec.nodeSelector and the required node affinity of a pod.
bool pod_matches_node(const api::core_v1::PodSpec& pod, const FlatMap<std::string>& labels, std::string_view node_name);

}  // namespace pintle::apimachinery

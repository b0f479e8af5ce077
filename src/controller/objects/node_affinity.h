// Whether a node is one that a pod's nodeSelector and required node affinity allow. Pure.
#pragma once

#include "api/gen/core_v1.h"

namespace pintle::controller {

bool matches_node_selector(const api::core_v1::NodeSelector& selector, const api::core_v1::Node& node);
bool allows_node(const api::core_v1::PodSpec& spec, const api::core_v1::Node& node);

}  // namespace pintle::controller

// Which labels a kubelet may give its own node. The API server refuses the others (NodeRestriction), so a kubelet that is
// told to set one does not start.
#pragma once

#include <string_view>

namespace pintle::apimachinery {

// Labels under kubernetes.io and k8s.io that a kubelet must not set on its node.
bool label_is_kept_from_nodes(std::string_view key);

}  // namespace pintle::apimachinery

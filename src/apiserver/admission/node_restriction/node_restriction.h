// NodeRestriction: a kubelet changes its own node and its own pods, in what is its business.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionDeps& deps);

// Labels under kubernetes.io and k8s.io that a kubelet must not set on its node.
bool label_is_kept_from_nodes(std::string_view key);

}  // namespace pintle::apiserver

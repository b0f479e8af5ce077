// What a resize of a pod asks of the node that runs it: PodResizeValidator (Linux, and enough cpu and memory) and
// NodeDeclaredFeatureValidator (that the node says it can).
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_pod_resize_validator(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_node_declared_feature_validator(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

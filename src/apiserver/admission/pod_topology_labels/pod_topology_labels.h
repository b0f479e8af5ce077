// PodTopologyLabels: a pod carries the zone and region of its node.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_pod_topology_labels(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

// The defaults of a KubeletConfiguration, those that follow from other fields too: reports of the node's status come as often as its
// updates where somebody set those, and each five minutes otherwise; images are pulled one at a time unless several may be.
#pragma once

#include "api/gen/kubeletconfig_v1beta1.h"

namespace pintle::kubelet::configuration {

void apply_defaults(api::kubeletconfig_v1beta1::KubeletConfiguration& config);

}  // namespace pintle::kubelet::configuration

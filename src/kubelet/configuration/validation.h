// A KubeletConfiguration as a whole: upstream's rules for it, in our words. Pure.
#pragma once

#include <map>
#include <string>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "component/feature_gates.h"

namespace pintle::kubelet::configuration {

// The gates with featureGates on top of their defaults. Invalid: a gate that there is not, or one that is locked to another value.
Result<component::FeatureGates> feature_gates(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

// Invalid, in one line that names every field at fault: values that are out of range or none of a field's, fields that contradict each
// other or need a feature gate that is off, and protections that are not built (nobody shall believe to have them). `config` has its
// defaults.
Result<Unit> validate(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

}  // namespace pintle::kubelet::configuration

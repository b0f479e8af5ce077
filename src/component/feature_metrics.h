// kubernetes_feature_enabled: which features are on, on a component's page of metrics.
#pragma once

#include <string>

#include "component/feature_gates.h"

namespace pintle::component {

void write_feature_metrics(std::string& out, const FeatureGates& gates);

}  // namespace pintle::component

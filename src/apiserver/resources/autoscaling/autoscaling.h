// Horizontal pod autoscalers: stored as v2, served as v2 and v1.
#pragma once

#include "api/gen/autoscaling_v2.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

// v1 knows one metric, cpu utilization; what it cannot say travels in annotations, as upstream writes them.
Result<api::Object> autoscaler_to_storage(const api::Object& v1);
Result<api::Object> autoscaler_from_storage(const api::Object& v2);

// `least`: the lowest minReplicas that is taken; 0 only where a metric needs no pod.
void validate_autoscaler(const api::autoscaling_v2::HorizontalPodAutoscaler& autoscaler, int32_t least, FieldErrors& errors);

}  // namespace pintle::apiserver::resources

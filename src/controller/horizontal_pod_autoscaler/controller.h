// Scales workloads by metrics: at every sync period it looks at each HorizontalPodAutoscaler's target and metrics, scales the target by its
// subresource /scale, and writes status and events.
#pragma once

#include <memory>

#include "controller/framework/controller.h"

namespace pintle::controller::horizontal_pod_autoscaler {

std::unique_ptr<Controller> make_horizontal_pod_autoscaler(ControllerDeps deps);

}  // namespace pintle::controller::horizontal_pod_autoscaler

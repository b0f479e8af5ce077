#include "controller/pod_gc/plan.h"

#include "controller/objects/out_of_service.h"
#include "rules/conditions.h"

namespace pintle::controller::pod_gc {

bool is_out_of_service(const api::core_v1::Node& node) {
  return objects::has_out_of_service_taint(node) && !rules::condition_is(node.status.conditions, "Ready", "True");
}

}  // namespace pintle::controller::pod_gc

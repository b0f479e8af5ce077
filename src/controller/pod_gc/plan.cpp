#include "controller/pod_gc/plan.h"

#include "rules/conditions.h"

#include <algorithm>

namespace pintle::controller::pod_gc {

bool is_out_of_service(const api::core_v1::Node& node) {
  const bool tainted = std::ranges::any_of(node.spec.taints, [](const auto& taint) { return taint.key == "node.kubernetes.io/out-of-service"; });
  return tainted && !rules::condition_is(node.status.conditions, "Ready", "True");
}

}  // namespace pintle::controller::pod_gc

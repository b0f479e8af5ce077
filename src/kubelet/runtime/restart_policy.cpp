#include "kubelet/runtime/restart_policy.h"

#include <algorithm>

namespace pintle::kubelet::runtime {

using namespace api::core_v1;

namespace {

bool matches(const ContainerRestartRule& rule, int32_t exit_code) {
  if (rule.action != "Restart" || !rule.exit_codes) return false;
  const auto& values = rule.exit_codes->values;
  const bool in = std::find(values.begin(), values.end(), exit_code) != values.end();
  return rule.exit_codes->operator_ == "In" ? in : rule.exit_codes->operator_ == "NotIn" && !in;
}

bool policy_restarts(std::string_view policy, int32_t exit_code) { return policy == "OnFailure" ? exit_code != 0 : policy != "Never"; }

}  // namespace

bool restarts_after_exit(const Pod& pod, const Container& container, int32_t exit_code) {
  for (const auto& rule : container.restart_policy_rules) {
    if (matches(rule, exit_code)) return true;
  }
  return policy_restarts(container.restart_policy ? *container.restart_policy : pod.spec.restart_policy, exit_code);
}

bool restarts_after_failure(const Pod& pod, const Container& container) {
  return (container.restart_policy ? *container.restart_policy : pod.spec.restart_policy) != "Never";
}

}  // namespace pintle::kubelet::runtime

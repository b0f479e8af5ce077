#include "kubelet/runtime/restart_policy.h"

#include <algorithm>

namespace pintle::kubelet::runtime {

using namespace api::core_v1;

namespace {

bool matches(const ContainerRestartRule& rule, int32_t exit_code) {
  if (!rule.exit_codes) return false;
  const auto& values = rule.exit_codes->values;
  const bool in = std::find(values.begin(), values.end(), exit_code) != values.end();
  return rule.exit_codes->operator_ == "In" ? in : rule.exit_codes->operator_ == "NotIn" && !in;
}

// What the first rule that matches says; "": none does.
std::string_view action_after_exit(const Container& container, int32_t exit_code) {
  for (const auto& rule : container.restart_policy_rules)
    if (matches(rule, exit_code)) return rule.action;
  return "";
}

bool policy_restarts(std::string_view policy, int32_t exit_code) { return policy == "OnFailure" ? exit_code != 0 : policy != "Never"; }

}  // namespace

bool restarts_after_exit(const Pod& pod, const Container& container, int32_t exit_code) {
  const std::string_view action = action_after_exit(container, exit_code);
  if (action == "Restart" || action == restart_all_action) return true;
  return policy_restarts(container.restart_policy ? *container.restart_policy : pod.spec.restart_policy, exit_code);
}

bool restarts_all_after_exit(const Container& container, int32_t exit_code) { return action_after_exit(container, exit_code) == restart_all_action; }

bool can_restart_all(const PodSpec& pod) {
  const auto can = [](const Container& container) {
    return std::ranges::any_of(container.restart_policy_rules, [](const auto& rule) { return rule.action == restart_all_action; });
  };
  return std::ranges::any_of(pod.init_containers, can) || std::ranges::any_of(pod.containers, can);
}

bool restarts_after_failure(const Pod& pod, const Container& container) {
  return (container.restart_policy ? *container.restart_policy : pod.spec.restart_policy) != "Never";
}

}  // namespace pintle::kubelet::runtime

#include "rules/declared_features.h"

#include <algorithm>

#include "api/codec.h"
#include "rules/pod_state.h"

namespace pintle::rules {

using api::core_v1::Container;
using api::core_v1::PodSpec;
using api::core_v1::ResourceRequirements;

namespace {

bool restarts_all(const Container& container) {
  return std::ranges::any_of(container.restart_policy_rules, [](const auto& rule) { return rule.action == "RestartAllContainers"; });
}

bool same_resources(const ResourceRequirements& a, const ResourceRequirements& b) { return api::equal(api::type_of<ResourceRequirements>(), &a, &b); }

}  // namespace

std::vector<std::string_view> features_for_scheduling(const PodSpec& pod) {
  std::vector<std::string_view> out;
  if (std::ranges::any_of(pod.containers, restarts_all) || std::ranges::any_of(pod.init_containers, restarts_all))
    out.push_back("RestartAllContainersOnContainerExits");
  if (pod.host_network && !pod.host_users.value_or(true)) out.push_back("UserNamespacesHostNetworkSupport");
  return out;
}

std::vector<std::string_view> features_for_update(const PodSpec& now, const PodSpec& before) {
  std::vector<std::string_view> out;
  if (static_cast<bool>(now.resources) != static_cast<bool>(before.resources) ||
      (now.resources && !same_resources(*now.resources, *before.resources)))
    out.push_back("InPlacePodLevelResourcesVerticalScaling");
  const auto changed = [&](const Container& container) {
    if (is_sidecar(container)) return false;
    const auto old = std::ranges::find(before.init_containers, container.name, &Container::name);
    return old != before.init_containers.end() && !same_resources(container.resources, old->resources);
  };
  if (std::ranges::any_of(now.init_containers, changed)) out.push_back("InPlacePodVerticalScalingInitContainers");
  return out;
}

std::vector<std::string_view> missing_features(const std::vector<std::string_view>& needed, const api::core_v1::Node& node) {
  std::vector<std::string_view> out;
  const auto& declared = node.status.declared_features;
  for (const std::string_view feature : needed)
    if (std::ranges::find(declared, feature) == declared.end()) out.push_back(feature);
  return out;
}

}  // namespace pintle::rules

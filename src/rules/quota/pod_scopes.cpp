#include "rules/quota/pod_scopes.h"

#include <algorithm>

#include "rules/pod_resources.h"

namespace pintle::rules::quota {
namespace {

using namespace api::core_v1;

bool is_best_effort(const Pod& pod) { return qos_class(pod) == "BestEffort"; }

bool crosses(const PodAffinityTerm& term) { return !term.namespaces.empty() || term.namespace_selector.has_value(); }
template <class Affinity>
bool affinity_crosses(const Box<Affinity>& affinity) {
  if (!affinity) return false;
  const auto& required = affinity->required_during_scheduling_ignored_during_execution;
  const auto& preferred = affinity->preferred_during_scheduling_ignored_during_execution;
  return std::any_of(required.begin(), required.end(), crosses) ||
         std::any_of(preferred.begin(), preferred.end(), [](const WeightedPodAffinityTerm& term) { return crosses(term.pod_affinity_term); });
}

// As a label selector on one label, which is absent if the value is empty.
bool selects(const ScopedResourceSelectorRequirement& scope, const std::string& value) {
  const bool listed = !value.empty() && std::find(scope.values.begin(), scope.values.end(), value) != scope.values.end();
  if (scope.operator_ == "In") return listed;
  if (scope.operator_ == "NotIn") return !listed;
  if (scope.operator_ == "Exists") return !value.empty();
  return scope.operator_ == "DoesNotExist" && value.empty();
}

}  // namespace

bool is_terminating(const Pod& pod) { return pod.spec.active_deadline_seconds && *pod.spec.active_deadline_seconds >= 0; }

bool pod_in_scope(const Pod& pod, const ScopedResourceSelectorRequirement& scope) {
  if (scope.scope_name == "Terminating") return is_terminating(pod);
  if (scope.scope_name == "NotTerminating") return !is_terminating(pod);
  if (scope.scope_name == "BestEffort") return is_best_effort(pod);
  if (scope.scope_name == "NotBestEffort") return !is_best_effort(pod);
  if (scope.scope_name == "PriorityClass") return selects(scope, pod.spec.priority_class_name);
  if (scope.scope_name == "CrossNamespacePodAffinity")
    return pod.spec.affinity && (affinity_crosses(pod.spec.affinity->pod_affinity) || affinity_crosses(pod.spec.affinity->pod_anti_affinity));
  return false;
}

bool claim_in_scope(const PersistentVolumeClaim& claim, const ScopedResourceSelectorRequirement& scope) {
  return scope.scope_name == "VolumeAttributesClass" && selects(scope, claim.spec.volume_attributes_class_name.value_or(""));
}

}  // namespace pintle::rules::quota

#include "controller/statefulset/claim_owners.h"

#include <algorithm>

#include "rules/owner_references.h"

namespace pintle::controller::statefulset {

using api::meta_v1::OwnerReference;

namespace {

bool names(const OwnerReference& ref, std::string_view api_version, std::string_view kind, std::string_view name) {
  return ref.api_version == api_version && ref.kind == kind && ref.name == name;
}

// The reference to whom the policy gives the claim.
std::optional<OwnerReference> wanted_owner(const StatefulSet& set, const Pod& pod) {
  const auto* policy = set.spec.persistent_volume_claim_retention_policy.get();
  const auto ordinal = ordinal_of(set, pod.metadata.name);
  if (policy == nullptr) return std::nullopt;
  if (policy->when_scaled == "Delete" && ordinal && !is_wanted(set, *ordinal)) return rules::controller_reference("v1", "Pod", pod.metadata);
  if (policy->when_deleted == "Delete") return rules::controller_reference("apps/v1", "StatefulSet", set.metadata);
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<OwnerReference>> plan_owners(const PersistentVolumeClaim& claim, const StatefulSet& set, const Pod& pod) {
  bool others = false;
  std::vector<OwnerReference> kept, ours;
  for (const OwnerReference& ref : claim.metadata.owner_references) {
    const bool of_set = names(ref, "apps/v1", "StatefulSet", set.metadata.name), of_pod = names(ref, "v1", "Pod", pod.metadata.name);
    if ((of_set && ref.uid != set.metadata.uid) || (of_pod && ref.uid != pod.metadata.uid)) return std::nullopt;
    if (!of_set && !of_pod) others |= ref.controller.value_or(false);
    (of_set || of_pod ? ours : kept).push_back(ref);
  }
  std::vector<OwnerReference> wanted;
  if (auto owner = wanted_owner(set, pod); owner && !others) wanted.push_back(std::move(*owner));
  const auto same = [](const OwnerReference& a, const OwnerReference& b) { return a.uid == b.uid && a.controller.value_or(false); };
  if (std::ranges::equal(ours, wanted, same)) return std::nullopt;
  std::ranges::move(wanted, std::back_inserter(kept));
  return kept;
}

bool is_stale(const PersistentVolumeClaim& claim, const StatefulSet& set, std::string_view pod_name) {
  const auto* policy = set.spec.persistent_volume_claim_retention_policy.get();
  if (policy == nullptr || policy->when_scaled != "Delete") return false;
  return std::ranges::any_of(claim.metadata.owner_references, [&](const OwnerReference& ref) { return names(ref, "v1", "Pod", pod_name); });
}

}  // namespace pintle::controller::statefulset

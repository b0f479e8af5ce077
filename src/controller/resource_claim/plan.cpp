#include "controller/resource_claim/plan.h"

#include <algorithm>

#include "rules/pod_state.h"
#include "rules/resource_claims.h"

namespace pintle::controller::resource_claim {

bool is_done(const Pod& pod) { return rules::is_terminal(pod) || (pod.metadata.deletion_timestamp && pod.spec.node_name.empty()); }

bool needs_work(const Pod& pod, const FindClaim& find) {
  if (pod.metadata.deletion_timestamp || is_done(pod)) return false;
  for (const auto& entry : pod.spec.resource_claims) {
    const auto named = rules::resource_claim_name(pod, entry);
    if (!named) return true;
    if (named->name.empty()) continue;
    const ClaimPtr claim = find(named->name);
    if (!claim) {
      if (entry.resource_claim_template_name) return true;
      continue;  // its user has to make it
    }
    if (named->check_owner && !rules::not_made_for(pod, *claim).empty()) continue;  // until that other claim goes
    if (!pod.spec.node_name.empty() && claim->status.allocation && !rules::is_reserved_for(*claim, pod)) return true;
  }
  return false;
}

std::string generated_base(std::string_view pod, std::string_view claim) {
  std::string whole = std::string(pod) + "-" + std::string(claim) + "-";
  if (whole.size() <= generated_base_max) return whole;
  const auto cut = [](std::string_view text, std::size_t of) { return std::string(text.substr(0, text.size() * generated_base_max / of)); };
  std::string out = cut(pod, whole.size()) + "-";
  return out + cut(claim, whole.size());
}

ResourceClaim claim_from(const ResourceClaimTemplate& from, const Pod& pod, const std::string& pod_claim) {
  ResourceClaim out;
  out.metadata.namespace_ = pod.metadata.namespace_;
  out.metadata.generate_name = generated_base(pod.metadata.name, pod_claim);
  out.metadata.labels = from.spec.metadata.labels;
  out.metadata.annotations = from.spec.metadata.annotations;
  out.metadata.annotations[rules::pod_resource_claim_annotation] = pod_claim;
  auto& owner = out.metadata.owner_references.emplace_back();
  owner.api_version = "v1";
  owner.kind = "Pod";
  owner.name = pod.metadata.name;
  owner.uid = pod.metadata.uid;
  owner.controller = true;
  out.spec = from.spec.spec;
  return out;
}

std::vector<std::string> used_claims(const Pod& pod) {
  std::vector<std::string> out;
  for (const auto& entry : pod.spec.resource_claims)
    if (const auto named = rules::resource_claim_name(pod, entry); named && !named->name.empty()) out.push_back(named->name);
  return out;
}

bool is_pod(const api::resource_v1::ResourceClaimConsumerReference& consumer) { return consumer.api_group.empty() && consumer.resource == "pods"; }

Consumer consumer_state(const api::resource_v1::ResourceClaimConsumerReference& consumer, const Pod* pod) {
  if (!is_pod(consumer)) return Consumer::Uses;  // of a kind that others look after
  if (pod == nullptr) return Consumer::Unknown;
  return pod->metadata.uid == consumer.uid && !is_done(*pod) ? Consumer::Uses : Consumer::Gone;
}

}  // namespace pintle::controller::resource_claim

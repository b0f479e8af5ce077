#include "kubelet/dynamic_resources/pod_claims.h"

#include <algorithm>

#include "rules/resource_claims.h"

namespace pintle::kubelet::dynamic_resources {

using namespace api::core_v1;

namespace {

bool asks_for(const Container& container, const std::string& resource) {
  const auto found = container.resources.requests.find(resource);
  return found != container.resources.requests.end() && !found->second.is_zero() && rules::is_device_resource(resource);
}

}  // namespace

Result<std::vector<PodClaim>> claims_of(const Pod& pod, bool extended) {
  std::vector<PodClaim> out;
  for (const PodResourceClaim& claim : pod.spec.resource_claims) {
    TRY_ASSIGN(auto of, rules::resource_claim_name(pod, claim));
    if (!of.name.empty()) out.push_back({std::move(of.name), of.check_owner});
  }
  const auto& status = pod.status.extended_resource_claim_status;
  if (extended && status) out.push_back({status->resource_claim_name, false});
  return out;
}

Result<RequestsByClaim> requests_of(const Pod& pod, const Container& container, bool extended) {
  RequestsByClaim out;
  for (const PodResourceClaim& claim : pod.spec.resource_claims) {
    const bool used = std::ranges::any_of(container.resources.claims, [&](const auto& one) { return one.name == claim.name; });
    if (!used) continue;
    TRY_ASSIGN(const auto of, rules::resource_claim_name(pod, claim));
    if (of.name.empty()) continue;
    for (const auto& one : container.resources.claims)
      if (one.name == claim.name) out[of.name].push_back(one.request);
  }
  const auto& status = pod.status.extended_resource_claim_status;
  if (!extended || !status) return out;
  for (const auto& mapping : status->request_mappings)
    if (mapping.container_name == container.name && asks_for(container, mapping.resource_name))
      out[status->resource_claim_name].push_back(mapping.request_name);
  return out;
}

}  // namespace pintle::kubelet::dynamic_resources

#include "scheduler/plugins/dynamic_resources/cycle_claims.h"

#include <algorithm>

#include "rules/resource_claims.h"

namespace pintle::scheduler::plugins {

Result<std::vector<devices::ClaimPtr>> claims_of_pod(const devices::DeviceLedger& ledger, const Pod& pod) {
  std::vector<devices::ClaimPtr> out;
  for (const auto& entry : pod.spec.resource_claims) {
    TRY_ASSIGN(const auto named, rules::resource_claim_name(pod, entry));
    if (named.name.empty()) continue;
    devices::ClaimPtr claim = ledger.find_claim(pod.metadata.namespace_, named.name);
    if (!claim) return error(Reason::NotFound, "could not find ResourceClaim \"" + pod.metadata.namespace_ + "/" + named.name + "\"");
    if (claim->metadata.deletion_timestamp) return error(Reason::Conflict, "resourceclaim \"" + named.name + "\" is being deleted");
    if (named.check_owner)
      if (std::string why = rules::not_made_for(pod, *claim); !why.empty()) return error(Reason::Conflict, std::move(why));
    const auto same = [&](const devices::ClaimPtr& other) { return other->metadata.uid == claim->metadata.uid; };
    if (std::ranges::none_of(out, same)) out.push_back(std::move(claim));
  }
  return out;
}

}  // namespace pintle::scheduler::plugins

#include "controller/statefulset/claims.h"

#include "controller/statefulset/claim_owners.h"

namespace pintle::controller::statefulset {

rt::Task<Result<Unit>> Claims::ensure(rt::Context ctx, std::shared_ptr<const StatefulSet> set, int32_t ordinal) {
  std::vector<PersistentVolumeClaim> wanted = claims_of(*set, ordinal);
  for (PersistentVolumeClaim& claim : wanted) {
    const std::string name = claim.metadata.name;
    const auto there = claims_.get(set->metadata.namespace_, name);
    if (there != nullptr) {
      if (there->metadata.deletion_timestamp) co_return error(Reason::Conflict, "pvc " + name + " is being deleted");
      continue;
    }
    auto made = co_await client_.create<PersistentVolumeClaim>(ctx, std::move(claim));
    const std::string whose = "Pod " + pod_name(*set, ordinal) + " in StatefulSet " + set->metadata.name;
    if (made) {
      events_.normal(*set, "SuccessfulCreate", "Create Claim " + name + " " + whose + " success");
    } else if (made.error().reason != Reason::AlreadyExists) {
      Status why = std::move(made).error();
      events_.warning(*set, "FailedCreate", "Create Claim " + name + " for " + whose + " failed error: " + why.message);
      why.message = "failed to create PVC " + name + ": " + why.message;
      co_return Unexpected(std::move(why));
    }
  }
  co_return Unit{};
}

bool Claims::stale(const StatefulSet& set, int32_t ordinal) const {
  for (const PersistentVolumeClaim& wanted : claims_of(set, ordinal)) {
    const auto there = claims_.get(set.metadata.namespace_, wanted.metadata.name);
    if (there != nullptr && is_stale(*there, set, pod_name(set, ordinal))) return true;
  }
  return false;
}

rt::Task<Result<Unit>> Claims::settle_owners(rt::Context ctx, std::shared_ptr<const StatefulSet> set, pods::PodPtr pod) {
  const auto ordinal = ordinal_of(*set, pod->metadata.name);
  if (!ordinal) co_return Unit{};
  const std::vector<PersistentVolumeClaim> all = claims_of(*set, *ordinal);
  for (const PersistentVolumeClaim& wanted : all) {
    const auto there = claims_.get(set->metadata.namespace_, wanted.metadata.name);
    if (there == nullptr) continue;
    auto owners = plan_owners(*there, *set, *pod);
    if (!owners) continue;
    PersistentVolumeClaim copy = *there;
    copy.metadata.owner_references = std::move(*owners);
    auto written = co_await client_.update<PersistentVolumeClaim>(ctx, std::move(copy));
    if (written || written.error().reason == Reason::NotFound) continue;
    Status why = std::move(written).error();
    why.message = "could not update claim " + wanted.metadata.name + " for delete policy ownerRefs: " + why.message;
    co_return Unexpected(std::move(why));
  }
  co_return Unit{};
}

}  // namespace pintle::controller::statefulset

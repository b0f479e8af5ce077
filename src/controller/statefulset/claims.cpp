#include "controller/statefulset/claims.h"

#include <algorithm>

#include "controller/objects/owner.h"

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
    const std::string about = " Claim " + name + " Pod " + pod_name(*set, ordinal) + " in StatefulSet " + set->metadata.name;
    if (made) {
      events_.normal(*set, "SuccessfulCreate", "create" + about + " success");
    } else if (made.error().reason != Reason::AlreadyExists) {
      events_.warning(*set, "FailedCreate", "create" + about + " failed error: " + made.error().message);
      co_return Unexpected(std::move(made).error());
    }
  }
  co_return Unit{};
}

namespace {

bool set_owner(std::vector<api::meta_v1::OwnerReference>& owners, api::meta_v1::OwnerReference ref, bool wanted) {
  const auto same = [&](const api::meta_v1::OwnerReference& other) { return other.uid == ref.uid; };
  if (!wanted) return std::erase_if(owners, same) > 0;
  if (std::ranges::any_of(owners, same)) return false;
  ref.controller.reset();
  ref.block_owner_deletion.reset();
  owners.push_back(std::move(ref));
  return true;
}

}  // namespace

rt::Task<Result<Unit>> Claims::settle_owners(rt::Context ctx, std::shared_ptr<const StatefulSet> set, pods::PodPtr pod, bool condemned) {
  const auto* policy = set->spec.persistent_volume_claim_retention_policy.get();
  const bool with_set = policy != nullptr && policy->when_deleted == "Delete",
             with_pod = policy != nullptr && policy->when_scaled == "Delete" && condemned;
  const auto ordinal = ordinal_of(*set, pod->metadata.name);
  if (!ordinal || policy == nullptr) co_return Unit{};
  const std::vector<PersistentVolumeClaim> all = claims_of(*set, *ordinal);
  for (const PersistentVolumeClaim& wanted : all) {
    const auto there = claims_.get(set->metadata.namespace_, wanted.metadata.name);
    if (there == nullptr) continue;
    PersistentVolumeClaim copy = *there;
    bool changed =
        set_owner(copy.metadata.owner_references, rules::controller_reference("apps/v1", "StatefulSet", set->metadata), with_set && !with_pod);
    changed |= set_owner(copy.metadata.owner_references, rules::controller_reference("v1", "Pod", pod->metadata), with_pod);
    if (!changed) continue;
    auto written = co_await client_.update<PersistentVolumeClaim>(ctx, std::move(copy));
    if (!written && written.error().reason != Reason::NotFound) co_return Unexpected(std::move(written).error());
  }
  co_return Unit{};
}

}  // namespace pintle::controller::statefulset

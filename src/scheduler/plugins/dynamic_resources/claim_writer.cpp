#include "scheduler/plugins/dynamic_resources/claim_writer.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "codec/json.h"
#include "rules/resource_claims.h"

namespace pintle::scheduler::plugins {

namespace {

std::string key_text(const api::resource_v1::ResourceClaim& claim) { return claim.metadata.namespace_ + "/" + claim.metadata.name; }

// The failure keeps its reason: conflicts are tried again.
Unexpected<Status> failed_to(std::string what, const Status& why) { return error(why.reason, what + ": " + why.message); }

bool has_finalizer(const api::resource_v1::ResourceClaim& claim) {
  return std::ranges::find(claim.metadata.finalizers, rules::resource_claim_finalizer) != claim.metadata.finalizers.end();
}

}  // namespace

rt::Task<Result<Unit>> ClaimWriter::write(rt::Context ctx, Claim* written, const api::resource_v1::AllocationResult* allocation, PodPtr pod) {
  const std::string name = "claim " + key_text(*written);
  if (written->metadata.deletion_timestamp) co_return error(Reason::Gone, name + " got deleted in the meantime");
  if (allocation != nullptr) {
    if (written->status.allocation) co_return error(Reason::AlreadyExists, name + " got allocated elsewhere in the meantime");
    if (!has_finalizer(*written)) {
      Claim guarded = *written;
      guarded.metadata.finalizers.emplace_back(rules::resource_claim_finalizer);
      auto updated = co_await deps_.client.update<Claim>(ctx, std::move(guarded));
      if (!updated) co_return failed_to("add finalizer to " + name, updated.error());
      *written = std::move(*updated);
    }
  }
  Claim next = *written;
  if (allocation != nullptr) next.status.allocation = *allocation;
  next.status.reserved_for.push_back(rules::consumer_reference(*pod));
  if (deps_.timestamps) {
    if (!next.status.allocation) co_return error(Reason::Gone, name + " got deallocated elsewhere in the meantime");
    if (!next.status.allocation->allocation_timestamp)
      next.status.allocation->allocation_timestamp = apimachinery::to_api_time(deps_.runtime.clock().wall_now());
  }
  auto updated = co_await deps_.client.update_status<Claim>(ctx, std::move(next));
  if (!updated) co_return failed_to((allocation != nullptr ? "add allocation and reservation to " : "add reservation to ") + name, updated.error());
  *written = std::move(*updated);
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::reserve_one(rt::Context ctx, CycleClaim* claim, PodPtr pod) {
  Claim written = *claim->claim;
  const api::resource_v1::AllocationResult* allocation = claim->allocation ? &*claim->allocation : nullptr;
  Result<Unit> done;
  for (int tries = 1;; ++tries) {
    done = co_await write(ctx, &written, allocation, pod);
    if (done || done.error().reason != Reason::Conflict || tries == conflict_tries_max) break;
    auto newest = co_await deps_.client.get<Claim>(ctx, written.metadata.namespace_, written.metadata.name);
    if (!newest) {
      done = failed_to("get updated claim " + key_text(written) + " after conflict", newest.error());
      break;
    }
    written = std::move(*newest);
  }
  deps_.ledger.assume(written);
  if (done) claim->claim = std::make_shared<const Claim>(std::move(written));
  co_return done;
}

rt::Task<Result<Unit>> ClaimWriter::create(rt::Context ctx, CycleClaim* claim, const NodeAllocation* node) {
  Claim fresh = *node->extended;
  fresh.metadata.name.clear();
  fresh.metadata.uid.clear();
  auto created = co_await deps_.client.create<Claim>(ctx, std::move(fresh));
  deps_.metrics.claim_creates.with({created ? "success" : "failure"}).add();
  if (!created)
    co_return failed_to("create claim for extended resources " + node->extended->metadata.namespace_ + "/" + node->extended->metadata.name,
                        created.error());
  claim->claim = std::make_shared<const Claim>(std::move(*created));
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::tell_pod(rt::Context ctx, const NodeAllocation* node, PodPtr pod, std::string claim) {
  codec::Value patch;
  codec::Value& status = patch["status"]["extendedResourceClaimStatus"];
  codec::Value::Array mappings;
  for (const auto& mapping : node->mappings) {
    codec::Value one;
    one["containerName"] = mapping.container_name;
    one["resourceName"] = mapping.resource_name;
    one["requestName"] = mapping.request_name;
    mappings.push_back(std::move(one));
  }
  status["requestMappings"] = std::move(mappings);
  status["resourceClaimName"] = claim;
  patch["metadata"]["uid"] = pod->metadata.uid;
  std::string body = codec::to_json(patch);
  client::PatchOptions options;
  options.subresource = "status";
  auto patched = co_await deps_.client.patch<Pod>(ctx, pod->metadata.namespace_, pod->metadata.name, client::PatchType::Strategic, std::move(body),
                                                  std::move(options));
  if (!patched) co_return failed_to("update pod " + pod_key(*pod) + " ExtendedResourceClaimStatus", patched.error());
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::reserve(rt::Context ctx, CycleClaims* found, PodPtr pod, std::string node) {
  const NodeAllocation* here = &found->nodes[node];
  for (CycleClaim& claim : found->claims) {
    if (rules::is_reserved_for(*claim.claim, *pod)) continue;
    if (claim.extended && !claim.allocation) continue;  // the node has the resources otherwise
    Result<Unit> done;
    if (!claim.is_written()) done = co_await create(ctx, &claim, here);
    if (done) done = co_await reserve_one(ctx, &claim, pod);
    if (const std::string flight = std::exchange(claim.flight, {}); !flight.empty()) deps_.ledger.end(flight, done.has_value());
    if (done && claim.extended) done = co_await tell_pod(ctx, here, pod, claim.claim->metadata.name);
    if (!done) co_return done;
  }
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::deallocate(rt::Context ctx, devices::ClaimPtr claim) {
  Claim freed = *claim;
  freed.status.reserved_for.clear();
  freed.status.allocation.reset();
  freed.status.devices.clear();
  auto updated = co_await deps_.client.update_status<Claim>(ctx, std::move(freed));
  if (!updated) co_return Unexpected(std::move(updated).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::withdraw(rt::Context ctx, devices::ClaimPtr claim, std::string pod_uid) {
  codec::Value patch, entry;
  entry["$patch"] = "delete";
  entry["uid"] = pod_uid;
  patch["metadata"]["uid"] = claim->metadata.uid;
  patch["status"]["reservedFor"] = codec::Value::Array{std::move(entry)};
  std::string body = codec::to_json(patch);
  client::PatchOptions options;
  options.subresource = "status";
  auto patched = co_await deps_.client.patch<Claim>(ctx, claim->metadata.namespace_, claim->metadata.name, client::PatchType::Strategic,
                                                    std::move(body), std::move(options));
  if (!patched) co_return Unexpected(std::move(patched).error());
  co_return Unit{};
}

rt::Task<Result<Unit>> ClaimWriter::remove(rt::Context ctx, devices::ClaimPtr claim) {
  Claim going = *claim;
  for (int tries = 1;; ++tries) {
    std::erase(going.metadata.finalizers, rules::resource_claim_finalizer);
    auto updated = co_await deps_.client.update<Claim>(ctx, going);
    if (updated) break;
    if (updated.error().reason == Reason::NotFound) co_return Unit{};
    if (updated.error().reason != Reason::Conflict || tries == conflict_tries_max)
      co_return failed_to("update resourceclaim " + key_text(going), updated.error());
    auto newest = co_await deps_.client.get<Claim>(ctx, going.metadata.namespace_, going.metadata.name);
    if (!newest) co_return failed_to("get resourceclaim " + key_text(going), newest.error());
    going = std::move(*newest);
  }
  auto removed = co_await deps_.client.remove<Claim>(ctx, going.metadata.namespace_, going.metadata.name);
  if (!removed && removed.error().reason != Reason::NotFound) co_return Unexpected(std::move(removed).error());
  co_return Unit{};
}

}  // namespace pintle::scheduler::plugins

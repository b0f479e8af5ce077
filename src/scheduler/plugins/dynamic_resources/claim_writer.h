// ClaimWriter: what is written of claims: allocations and reservations before a pod is bound, and their withdrawal. Owns nothing.
#pragma once

#include <string>

#include "client/client.h"
#include "rt/context.h"
#include "rt/task.h"
#include "scheduler/framework/metrics.h"
#include "scheduler/plugins/dynamic_resources/cycle_claims.h"

namespace pintle::scheduler::plugins {

constexpr int conflict_tries_max = 5;

struct ClaimWriterDeps {
  rt::Runtime& runtime;
  client::Client& client;
  devices::DeviceLedger& ledger;
  SchedulerMetrics& metrics;
  bool timestamps;  // when a claim was allocated is written: binding conditions go by it
};

class ClaimWriter {
 public:
  explicit ClaimWriter(ClaimWriterDeps deps) : deps_(deps) {}

  // Writes the allocations of Reserve, and that the pod uses the claims. `found` outlives the task.
  rt::Task<Result<Unit>> reserve(rt::Context ctx, CycleClaims* found, PodPtr pod, std::string node);
  // Takes the allocation back.
  rt::Task<Result<Unit>> deallocate(rt::Context ctx, devices::ClaimPtr claim);
  // The pod uses the claim no more.
  rt::Task<Result<Unit>> withdraw(rt::Context ctx, devices::ClaimPtr claim, std::string pod_uid);
  // The claim goes, finalizer and all.
  rt::Task<Result<Unit>> remove(rt::Context ctx, devices::ClaimPtr claim);

 private:
  using Claim = api::resource_v1::ResourceClaim;
  rt::Task<Result<Unit>> reserve_one(rt::Context ctx, CycleClaim* claim, PodPtr pod);
  rt::Task<Result<Unit>> create(rt::Context ctx, CycleClaim* claim, const NodeAllocation* node);
  rt::Task<Result<Unit>> tell_pod(rt::Context ctx, const NodeAllocation* node, PodPtr pod, std::string claim);
  // One try; Conflict: the claim changed meanwhile. `written` becomes what the API server has, be it a part.
  rt::Task<Result<Unit>> write(rt::Context ctx, Claim* written, const api::resource_v1::AllocationResult* allocation, PodPtr pod);

  ClaimWriterDeps deps_;
};

}  // namespace pintle::scheduler::plugins

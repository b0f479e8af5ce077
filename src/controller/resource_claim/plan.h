// What is to be done about a pod's resource claims, and about a claim. Pure.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"

namespace pintle::controller::resource_claim {

using api::core_v1::Pod;
using api::resource_v1::ResourceClaim;
using api::resource_v1::ResourceClaimTemplate;
using ClaimPtr = std::shared_ptr<const ResourceClaim>;
using FindClaim = std::function<ClaimPtr(const std::string& name)>;  // in the pod's namespace

constexpr std::size_t generated_base_max = 57;  // leaves space for a hyphen and 5 random characters

// Its containers do not run, and never will.
bool is_done(const Pod& pod);
// Whether the pod lacks a claim, or uses one that is not reserved for it. One that has ended lacks nothing: its claims are taken away.
bool needs_work(const Pod& pod, const FindClaim& find);
// "POD-CLAIM-", both cut in proportion where it would be too long.
std::string generated_base(std::string_view pod, std::string_view claim);
ResourceClaim claim_from(const ResourceClaimTemplate& from, const Pod& pod, const std::string& pod_claim);
// The names of the claims that the pod uses, as far as they are known.
std::vector<std::string> used_claims(const Pod& pod);

// What a claim says of a pod that it is reserved for.
enum class Consumer : uint8_t { Uses, Gone, Unknown };
// `pod`: of that name, or nullptr.
Consumer consumer_state(const api::resource_v1::ResourceClaimConsumerReference& consumer, const Pod* pod);
bool is_pod(const api::resource_v1::ResourceClaimConsumerReference& consumer);

}  // namespace pintle::controller::resource_claim

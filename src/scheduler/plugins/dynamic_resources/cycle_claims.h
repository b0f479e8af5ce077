// CycleClaims: the claims of one pod in one scheduling cycle, and what was found for them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/devices/allocator.h"
#include "scheduler/devices/ledger.h"
#include "scheduler/framework/cycle_state.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler::plugins {

// The claim that stands for a pod's extended resources has this name until it is written, which no claim can have.
constexpr std::string_view unwritten_claim_name = "<extended-resources>";

struct CycleClaim {
  devices::ClaimPtr claim;                                       // PreBind puts in what it has written
  std::optional<rules::NodeSelector> nodes;                      // where it can be used, if it is allocated and not everywhere
  std::optional<api::resource_v1::AllocationResult> allocation;  // of Reserve, until it is written
  std::string flight;                                            // under which uid it is in flight; "": it is not
  bool extended = false;                                         // stands for extended resources

  bool is_allocated() const { return claim->status.allocation.has_value(); }
  bool is_written() const { return claim->metadata.name != unwritten_claim_name; }
};

struct NodeAllocation {
  std::vector<api::resource_v1::AllocationResult> results;  // of the claims that need one, in order; the extended one's last
  devices::ClaimPtr extended;                               // as it is for this node; nullptr: the node needs none
  std::vector<api::core_v1::ContainerExtendedResourceRequest> mappings;
};

struct CycleClaims {
  std::vector<CycleClaim> claims;  // the extended one is last
  std::unique_ptr<devices::Allocator> allocator;
  std::map<std::string, NodeAllocation> nodes;  // by name
  std::set<std::size_t> unavailable;            // allocated, and of no use on some node
  std::deque<std::string> texts;                // of reasons

  CycleClaim* extended() { return claims.empty() || !claims.back().extended ? nullptr : &claims.back(); }
  bool only_extended() const { return claims.size() == 1 && claims.back().extended; }
  std::string_view text(std::string text) { return texts.emplace_back(std::move(text)); }
};

// Copies, which preemption works on, share what was found.
struct CycleClaimsState : StateOf<CycleClaimsState> {
  std::shared_ptr<CycleClaims> found = std::make_shared<CycleClaims>();
};

// The claims of the pod, each once; an error says why it cannot be scheduled yet, in upstream's words.
Result<std::vector<devices::ClaimPtr>> claims_of_pod(const devices::DeviceLedger& ledger, const Pod& pod);

}  // namespace pintle::scheduler::plugins

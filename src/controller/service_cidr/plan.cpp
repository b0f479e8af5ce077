#include "controller/service_cidr/plan.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "rules/conditions.h"
#include "rules/service_addresses.h"

namespace pintle::controller::service_cidr {

using api::meta_v1::Condition;
using api::networking_v1::ServiceCIDR;

namespace {

// Upstream's words, which clients see.
constexpr std::string_view ready_message = "Kubernetes Service CIDR is ready";
constexpr std::string_view held_message = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";

bool holds(const IpPrefix& outer, const IpPrefix& inner) { return outer.bits <= inner.bits && outer.contains(inner.address); }
bool overlap(const IpPrefix& a, const IpPrefix& b) { return holds(a, b) || holds(b, a); }

// Whether another ServiceCIDR has a range that holds this one.
bool has_parent(const IpPrefix& range, const ServiceCIDR& cidr, const std::vector<CidrPtr>& cidrs) {
  return std::ranges::any_of(cidrs, [&](const CidrPtr& other) {
    if (other->metadata.name == cidr.metadata.name) return false;
    return std::ranges::any_of(rules::ranges_of(*other), [&](const IpPrefix& outer) { return holds(outer, range); });
  });
}

// Whether no address would be left without a range: others hold all of its ranges, or all of its addresses.
bool may_go(const ServiceCIDR& cidr, const Observed& observed) {
  const std::vector<IpPrefix> ranges = rules::ranges_of(cidr);
  if (std::ranges::all_of(ranges, [&](const IpPrefix& range) { return has_parent(range, cidr, observed.cidrs); })) return true;
  return std::ranges::none_of(observed.addresses, [&](const IpAddress& address) {
    if (!rules::has_assignable(cidr, address)) return false;
    return std::ranges::none_of(
        observed.cidrs, [&](const CidrPtr& other) { return other->metadata.name != cidr.metadata.name && rules::has_assignable(*other, address); });
  });
}

// Nothing where it stands already.
std::optional<Condition> changed(const ServiceCIDR& cidr, Condition wanted) {
  const Condition* there = rules::find_condition(cidr.status.conditions, wanted.type);
  if (there != nullptr && there->status == wanted.status && there->reason == wanted.reason && there->message == wanted.message) return std::nullopt;
  return wanted;
}

}  // namespace

Plan plan_service_cidr(const ServiceCIDR& cidr, const Observed& observed) {
  Plan plan;
  const bool guarded = std::ranges::find(cidr.metadata.finalizers, finalizer) != cidr.metadata.finalizers.end();
  Condition ready;
  ready.type = "Ready";
  ready.last_transition_time = apimachinery::to_api_time(observed.now);
  if (!cidr.metadata.deletion_timestamp) {
    plan.add_finalizer = !guarded;
    ready.status = "True";
    ready.message = ready_message;
    plan.condition = changed(cidr, std::move(ready));
    return plan;
  }
  if (!may_go(cidr, observed)) {
    ready.status = "False";
    ready.reason = "Terminating";
    ready.message = held_message;
    plan.condition = changed(cidr, std::move(ready));
    return plan;
  }
  const rt::Duration left = deletion_grace - (observed.now - apimachinery::to_wall_time(*cidr.metadata.deletion_timestamp));
  if (left > rt::Duration::zero()) {
    plan.look_again = left;
  } else {
    plan.remove_finalizer = guarded;
  }
  return plan;
}

std::vector<std::string> overlapping(const ServiceCIDR& cidr, const std::vector<CidrPtr>& cidrs) {
  const std::vector<IpPrefix> ranges = rules::ranges_of(cidr);
  std::vector<std::string> out;
  for (const CidrPtr& other : cidrs) {
    const auto meets = [&](const IpPrefix& theirs) {
      return std::ranges::any_of(ranges, [&](const IpPrefix& ours) { return overlap(ours, theirs); });
    };
    if (std::ranges::any_of(rules::ranges_of(*other), meets)) out.push_back(other->metadata.name);
  }
  return out;
}

std::vector<std::string> containing(const IpAddress& address, const std::vector<CidrPtr>& cidrs) {
  std::vector<std::string> out;
  for (const CidrPtr& cidr : cidrs)
    if (rules::has_assignable(*cidr, address)) out.push_back(cidr->metadata.name);
  return out;
}

}  // namespace pintle::controller::service_cidr

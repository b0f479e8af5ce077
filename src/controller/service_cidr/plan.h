// What a ServiceCIDR needs: its finalizer while it is wanted, its Ready condition, and when it is to go, whether it may. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/meta_v1.h"
#include "api/gen/networking_v1.h"
#include "base/ip_address.h"
#include "rt/clock.h"

namespace pintle::controller::service_cidr {

using CidrPtr = std::shared_ptr<const api::networking_v1::ServiceCIDR>;

inline constexpr std::string_view finalizer = "networking.k8s.io/service-cidr-finalizer";
// One that may go stays this long after its deletion: every API server has heard of it by then and takes no address out of it.
inline constexpr rt::Duration deletion_grace = std::chrono::seconds(10);

struct Observed {
  rt::WallTime now{};
  std::vector<CidrPtr> cidrs;        // all, the one in question among them
  std::vector<IpAddress> addresses;  // that Services have; looked at only if it is going
};

struct Plan {
  bool add_finalizer = false;
  bool remove_finalizer = false;
  std::optional<api::meta_v1::Condition> condition;  // to be written
  std::optional<rt::Duration> look_again;
};
Plan plan_service_cidr(const api::networking_v1::ServiceCIDR& cidr, const Observed& observed);

// By name: those whose ranges overlap one of this one's; those that an address may be out of.
std::vector<std::string> overlapping(const api::networking_v1::ServiceCIDR& cidr, const std::vector<CidrPtr>& cidrs);
std::vector<std::string> containing(const IpAddress& address, const std::vector<CidrPtr>& cidrs);

}  // namespace pintle::controller::service_cidr

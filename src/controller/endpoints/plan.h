// The Endpoints of a Service, and the EndpointSlices that mirror Endpoints a user wrote. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "controller/pods/pod_state.h"
#include "controller/services/slice_census.h"

namespace pintle::controller::endpoints {

using api::core_v1::Endpoints;
using api::core_v1::EndpointSubset;
using api::discovery_v1::EndpointSlice;
using SlicePtr = std::shared_ptr<const EndpointSlice>;

inline constexpr int addresses_max = 1000;  // in one Endpoints; then the annotation over-capacity says truncated
inline constexpr std::string_view managed_by_label = "endpoints.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by = "endpoint-controller";

// The Endpoints that the service is to have, going on from `current` (a default one if there is none).
Endpoints plan_endpoints(const api::core_v1::Service& service, const std::vector<pods::PodPtr>& pods, const Endpoints& current);
// Whether two differ in what this controller writes.
bool differ(const Endpoints& a, const Endpoints& b);

// Addresses with the same ports come together; an address that is ready on a port is not listed as not ready there.
std::vector<EndpointSubset> repack(const std::vector<EndpointSubset>& subsets);

struct MirrorPlan {
  std::vector<EndpointSlice> create;
  std::vector<EndpointSlice> update;
  std::vector<SlicePtr> remove;
  int invalid_addresses = 0;
  int skipped_addresses = 0;  // past `subset_max`
  services::SliceCensus census;
};
inline constexpr std::string_view mirror_manager = "endpointslicemirroring-controller.k8s.io";
MirrorPlan plan_mirror(const Endpoints& endpoints, const std::vector<SlicePtr>& slices, int subset_max);
// Whether a user's Endpoints are mirrored at all.
bool is_mirrored(const Endpoints& endpoints);

}  // namespace pintle::controller::endpoints

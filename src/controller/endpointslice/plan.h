// The EndpointSlices of a Service: which to create, change and delete. Pure.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "controller/pods/pod_state.h"
#include "controller/services/slice_census.h"

namespace pintle::controller::endpointslice {

using api::discovery_v1::EndpointSlice;
using SlicePtr = std::shared_ptr<const EndpointSlice>;
using NodeOf = std::function<std::shared_ptr<const api::core_v1::Node>(const std::string& name)>;

inline constexpr std::string_view managed_by_label = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by = "endpointslice-controller.k8s.io";
inline constexpr std::string_view service_name_label = "kubernetes.io/service-name";
inline constexpr std::string_view headless_label = "service.kubernetes.io/headless";

struct Observed {
  const api::core_v1::Service& service;
  const std::vector<pods::PodPtr>& pods;  // those it selects
  const std::vector<SlicePtr>& slices;    // those managed here under its name
  NodeOf node_of;                         // nullptr: not known
  std::size_t endpoints_max = 100;        // in a slice
};

struct Plan {
  std::vector<EndpointSlice> create;
  std::vector<EndpointSlice> update;
  std::vector<SlicePtr> remove;
  services::SliceCensus census;
};

Plan plan_slices(const Observed& observed);

}  // namespace pintle::controller::endpointslice

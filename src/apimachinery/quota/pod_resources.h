// What a pod asks for as a whole: containers added up, init containers by their peak, pod-level resources, overhead.
#pragma once

#include "api/gen/core_v1.h"
#include "api/values.h"
#include "base/flat_map.h"

namespace pintle::apimachinery::quota {

using ResourceList = FlatMap<api::Quantity>;

ResourceList pod_requests(const api::core_v1::PodSpec& spec, bool with_overhead);
ResourceList pod_limits(const api::core_v1::PodSpec& spec, bool with_overhead);

void add_resources(ResourceList& into, const ResourceList& more);
// {cpu=1, pods=2}: as messages show it.
std::string to_text(const ResourceList& list);

}  // namespace pintle::apimachinery::quota

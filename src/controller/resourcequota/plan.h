// What a quota counts. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rules/quota/usage.h"

namespace pintle::controller::resourcequota {

using rules::ResourceList;
using rules::quota::CountedResource;

// The resources that the quota counts by their number alone: "count/deployments.apps", "configmaps" ...
std::vector<CountedResource> counted_alone(const ResourceList& hard);
// Adds what `object` uses of what the quota names, if it is in its scopes.
void charge(const api::core_v1::ResourceQuota& quota, const CountedResource& resource, const api::Object& object, ResourceList& used);
// Whether the quota counts another cost of the object, or counts it no more, since it was `before`: a finished pod, a scope that it left.
bool costs_differ(const api::core_v1::ResourceQuota& quota, const CountedResource& resource, const api::Object& before, const api::Object& after);
// The names of which there is less in `after` than in `before`, nothing being zero.
std::vector<std::string> fallen(const ResourceList& before, const ResourceList& after);
// Every name of `hard` with a zero.
ResourceList zeros(const ResourceList& hard);

}  // namespace pintle::controller::resourcequota

// What an object costs, and whether a quota counts it: for admission, which charges it, and the controller, which recounts.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/object.h"
#include "rules/pod_resources.h"

namespace pintle::rules::quota {

struct CountedResource {
  std::string group;
  std::string resource;  // plural
};

// What `object` of the resource uses, in every name under which a quota may count it. For resources that are counted
// alone the object does not matter.
ResourceList usage_of(const CountedResource& resource, const api::Object& object);
// Of the names in `hard`, those that count this resource.
std::vector<std::string> counted_names(const CountedResource& resource, const ResourceList& hard);
// Whether the object is within one scope; only pods and claims can be.
bool matches_scope(const api::core_v1::ScopedResourceSelectorRequirement& scope, const api::Object& object);
// The scopes of a quota, in either form.
std::vector<api::core_v1::ScopedResourceSelectorRequirement> scopes_of(const api::core_v1::ResourceQuota& quota);
// Whether the object is within the quota's scopes.
bool in_scope(const api::core_v1::ResourceQuota& quota, const api::Object& object);
// Containers that do not state what the quota counts: `must specify requests.cpu for: c`; "" if all do.
std::string missing_requests(const std::vector<std::string>& names, const api::Object& object);

void add_resources(ResourceList& into, const ResourceList& more);
// {cpu=1, pods=2}: as messages show it.
std::string to_text(const ResourceList& list);
ResourceList mask(const ResourceList& list, const std::vector<std::string>& names);

}  // namespace pintle::rules::quota

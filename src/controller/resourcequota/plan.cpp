#include "controller/resourcequota/plan.h"

#include <algorithm>

#include "base/strings.h"

namespace pintle::controller::resourcequota {

std::vector<CountedResource> counted_alone(const ResourceList& hard) {
  constexpr std::string_view old_names[] = {"configmaps", "resourcequotas", "replicationcontrollers", "secrets"};
  constexpr std::string_view prefix = "count/";
  constexpr std::string_view counted_elsewhere[] = {"pods", "services", "persistentvolumeclaims"};
  std::vector<CountedResource> out;
  for (const auto& [name, quantity] : hard) {
    CountedResource resource;
    if (contains(old_names, name)) {
      resource.resource = name;
    } else if (name.starts_with(prefix)) {
      const std::string rest = name.substr(prefix.size());
      const auto dot = rest.find('.');
      resource.resource = rest.substr(0, dot);
      if (dot != rest.npos) resource.group = rest.substr(dot + 1);
      if (resource.group.empty() && contains(counted_elsewhere, resource.resource)) continue;
    } else {
      continue;
    }
    if (std::ranges::none_of(out, [&](const CountedResource& other) { return other.group == resource.group && other.resource == resource.resource; }))
      out.push_back(std::move(resource));
  }
  return out;
}

void charge(const api::core_v1::ResourceQuota& quota, const CountedResource& resource, const api::Object& object, ResourceList& used) {
  const auto names = rules::quota::counted_names(resource, quota.spec.hard);
  if (names.empty() || !rules::quota::in_scope(quota, object)) return;
  rules::quota::add_resources(used, rules::quota::mask(rules::quota::usage_of(resource, object), names));
}

bool costs_differ(const api::core_v1::ResourceQuota& quota, const CountedResource& resource, const api::Object& before, const api::Object& after) {
  ResourceList then, now;
  charge(quota, resource, before, then);
  charge(quota, resource, after, now);
  return !(then == now);
}

std::vector<std::string> fallen(const ResourceList& before, const ResourceList& after) {
  const api::Quantity nothing;
  std::vector<std::string> out;
  for (const auto& [name, quantity] : before) {
    const api::Quantity* now = after.get(name);
    if (quantity.compare(now != nullptr ? *now : nothing) > 0) out.push_back(name);
  }
  return out;
}

ResourceList zeros(const ResourceList& hard) {
  ResourceList out;
  for (const auto& [name, quantity] : hard) out[name] = api::Quantity::from_int(0);
  return out;
}

}  // namespace pintle::controller::resourcequota

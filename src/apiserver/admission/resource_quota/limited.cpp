#include "apiserver/admission/resource_quota/limited.h"

#include <fmt/format.h>

#include <algorithm>

namespace pintle::apiserver::admission::quota {

using api::core_v1::ScopedResourceSelectorRequirement;

Cover::Cover(std::span<const api::apiserverconfig_v1::LimitedResource> limited, const rules::quota::CountedResource& resource,
             const api::Object& object)
    : object_(object) {
  if (limited.empty()) return;
  const rules::ResourceList usage = rules::quota::usage_of(resource, object);
  for (const auto& one : limited) {
    for (const auto& scope : one.match_scopes)
      if (rules::quota::matches_scope(scope, object)) scopes_.push_back(scope);
    if (one.api_group != resource.group || one.resource != resource.resource) continue;
    for (const auto& [name, quantity] : usage) {
      const auto is_part = [&name](const std::string& part) { return name.find(part) != std::string::npos; };
      if (quantity.sign() > 0 && std::ranges::any_of(one.match_contains, is_part)) names_.insert(name);
    }
  }
}

void Cover::see_scopes(const api::core_v1::ResourceQuota& quota) {
  if (scopes_.empty()) return;
  for (const auto& scope : rules::quota::scopes_of(quota))
    if (rules::quota::matches_scope(scope, object_)) covered_scopes_.insert(scope.scope_name);
}

void Cover::see_names(const std::vector<std::string>& names) {
  if (!names_.empty()) covered_names_.insert(names.begin(), names.end());
}

std::vector<std::string> Cover::uncovered_names() const {
  std::vector<std::string> out;
  std::ranges::set_difference(names_, covered_names_, std::back_inserter(out));
  return out;
}

std::string Cover::uncovered_scopes() const {
  std::string out;
  for (const ScopedResourceSelectorRequirement& scope : scopes_) {
    if (covered_scopes_.contains(scope.scope_name)) continue;
    out += fmt::format("{}{{{} {} [{}]}}", out.empty() ? "" : " ", scope.scope_name, scope.operator_, fmt::join(scope.values, " "));
  }
  return out;
}

}  // namespace pintle::apiserver::admission::quota

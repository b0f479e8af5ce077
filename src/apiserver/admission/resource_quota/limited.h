// What may be used only where a quota covers it (limitedResources of the plugin's configuration). Pure.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "api/gen/apiserverconfig_v1.h"
#include "rules/quota/usage.h"

namespace pintle::apiserver::admission::quota {

class Cover {
 public:
  // What of `object` needs a quota. Nothing is asked where nothing is limited.
  Cover(std::span<const api::apiserverconfig_v1::LimitedResource> limited, const rules::quota::CountedResource& resource, const api::Object& object);
  bool wanted() const { return !names_.empty() || !scopes_.empty(); }
  // Each quota of the namespace, and what it counts of the object.
  void see_scopes(const api::core_v1::ResourceQuota& quota);
  void see_names(const std::vector<std::string>& names);
  // Sorted.
  std::vector<std::string> uncovered_names() const;
  // As Go prints them: "{PriorityClass In [a b]} {...}".
  std::string uncovered_scopes() const;

 private:
  const api::Object& object_;
  std::set<std::string> names_, covered_names_;
  std::vector<api::core_v1::ScopedResourceSelectorRequirement> scopes_;
  std::set<std::string> covered_scopes_;
};

}  // namespace pintle::apiserver::admission::quota

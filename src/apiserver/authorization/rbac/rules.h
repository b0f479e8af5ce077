// RBAC's policy rules: whether a rule allows a request. (coverage.h: whether rules cover other rules.)
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authorization/authorizer.h"

namespace pintle::apiserver::authorization::rbac {

// rbac/v1.PolicyRule, as the indexes keep it.
struct Rule {
  std::vector<std::string> verbs;
  std::vector<std::string> groups;
  std::vector<std::string> resources;
  std::vector<std::string> names;
  std::vector<std::string> urls;
  std::size_t values() const { return verbs.size() + groups.size() + resources.size() + names.size() + urls.size(); }
  std::size_t bytes() const;  // of all values, with what stands between them in JSON
  bool operator==(const Rule&) const = default;
};

// A request as the rules see it; the resource and its subresource joined once.
struct RuleQuery {
  explicit RuleQuery(const AuthorizationAttributes& attributes);
  bool is_resource;
  std::string_view verb;
  std::string_view group;
  std::string_view subresource;
  std::string_view name;
  std::string_view path;
  std::string combined;  // "pods", "pods/log"
};

bool allows(const Rule& rule, const RuleQuery& query);
bool allows(std::span<const Rule> rules, const RuleQuery& query);

// "/api/*" covers all that begins with "/api/".
bool url_covers(std::string_view held, std::string_view wanted);
// {APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}: a rule in an error message.
std::string describe(const Rule& rule);

}  // namespace pintle::apiserver::authorization::rbac

#include <algorithm>

#include "apiserver/authorization/rbac/convert.h"
#include "apiserver/authorization/rbac/coverage.h"
#include "apiserver/bootstrap/rbac_policy.h"

namespace pintle::apiserver::bootstrap {
namespace {

using namespace api::rbac_v1;

bool add_missing(FlatMap<std::string>& stored, const FlatMap<std::string>& wanted) {
  bool changed = false;
  for (const auto& [key, value] : wanted) {
    if (stored.contains(key)) continue;
    stored[key] = value;
    changed = true;
  }
  return changed;
}

bool left_alone(const api::meta_v1::ObjectMeta& metadata) {
  const std::string* autoupdate = metadata.annotations.get("rbac.authorization.kubernetes.io/autoupdate");
  return autoupdate && *autoupdate == "false";
}

bool complete_metadata(api::meta_v1::ObjectMeta& stored, const api::meta_v1::ObjectMeta& wanted) {
  const bool labels = add_missing(stored.labels, wanted.labels);
  const bool annotations = add_missing(stored.annotations, wanted.annotations);
  return labels || annotations;
}

bool complete_rules(std::vector<PolicyRule>& stored, const std::vector<PolicyRule>& wanted) {
  const auto held = authorization::rbac::to_rules(stored);
  std::vector<const authorization::rbac::Rule*> pointers;
  for (const auto& rule : held) pointers.push_back(&rule);
  const auto missing = authorization::rbac::cover(pointers, authorization::rbac::to_rules(wanted), authorization::rbac::Listing::All).missing;
  for (const auto& rule : missing) stored.push_back({rule.verbs, rule.groups, rule.resources, rule.names, rule.urls});
  return !missing.empty();
}

bool complete_subjects(std::vector<Subject>& stored, const std::vector<Subject>& wanted) {
  bool changed = false;
  for (const Subject& subject : wanted) {
    const auto same = [&](const Subject& other) {
      return other.kind == subject.kind && other.name == subject.name && other.namespace_ == subject.namespace_ &&
             other.api_group == subject.api_group;
    };
    if (std::any_of(stored.begin(), stored.end(), same)) continue;
    stored.push_back(subject);
    changed = true;
  }
  return changed;
}

template <class T>
bool complete_role(T& stored, const T& wanted) {
  if (left_alone(stored.metadata)) return false;
  const bool metadata = complete_metadata(stored.metadata, wanted.metadata);
  const bool rules = complete_rules(stored.rules, wanted.rules);
  return metadata || rules;
}

template <class T>
bool complete_binding(T& stored, const T& wanted) {
  if (left_alone(stored.metadata)) return false;
  const bool metadata = complete_metadata(stored.metadata, wanted.metadata);
  const bool subjects = complete_subjects(stored.subjects, wanted.subjects);
  return metadata || subjects;
}

}  // namespace

bool complete(Role& stored, const Role& wanted) { return complete_role(stored, wanted); }
bool complete(ClusterRoleBinding& stored, const ClusterRoleBinding& wanted) { return complete_binding(stored, wanted); }
bool complete(RoleBinding& stored, const RoleBinding& wanted) { return complete_binding(stored, wanted); }

bool complete(ClusterRole& stored, const ClusterRole& wanted) {
  bool changed = complete_role(stored, wanted);
  if (left_alone(stored.metadata) || !wanted.aggregation_rule) return changed;
  if (!stored.aggregation_rule) {
    stored.aggregation_rule = wanted.aggregation_rule;
    changed = true;
  }
  return changed;
}

}  // namespace pintle::apiserver::bootstrap

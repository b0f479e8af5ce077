#include "apiserver/authorization/rbac/convert.h"

namespace pintle::apiserver::authorization::rbac {

std::vector<Rule> to_rules(const std::vector<api::rbac_v1::PolicyRule>& rules) {
  std::vector<Rule> out;
  out.reserve(rules.size());
  for (const auto& rule : rules) out.push_back({rule.verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls});
  return out;
}

RoleRef to_role_ref(const api::rbac_v1::RoleRef& ref) { return {ref.kind == "ClusterRole", ref.name}; }

std::vector<Subject> to_subjects(const std::vector<api::rbac_v1::Subject>& subjects) {
  std::vector<Subject> out;
  out.reserve(subjects.size());
  for (const auto& subject : subjects) {
    if (subject.kind == "User")
      out.push_back({SubjectKind::User, {}, subject.name});
    else if (subject.kind == "Group")
      out.push_back({SubjectKind::Group, {}, subject.name});
    else if (subject.kind == "ServiceAccount")
      out.push_back({SubjectKind::ServiceAccount, subject.namespace_, subject.name});
  }
  return out;
}

}  // namespace pintle::apiserver::authorization::rbac

#include "apiserver/authorization/rbac/rbac_authorizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/authorization/rbac/convert.h"

namespace pintle::apiserver::rbac {
namespace {

std::string describe_subject(const Subject& subject, std::string_view binding_ns) {
  switch (subject.kind) {
    case SubjectKind::User: return fmt::format("User \"{}\"", subject.name);
    case SubjectKind::Group: return fmt::format("Group \"{}\"", subject.name);
    case SubjectKind::ServiceAccount: break;
  }
  return fmt::format("ServiceAccount \"{}/{}\"", subject.name, subject.ns.empty() ? binding_ns : std::string_view(subject.ns));
}

std::string describe_grant(const Grant& grant) {
  const std::string binding = grant.cluster_binding ? fmt::format("ClusterRoleBinding \"{}\"", grant.binding_name)
                                                    : fmt::format("RoleBinding \"{}/{}\"", grant.binding_name, grant.binding_ns);
  return fmt::format("RBAC: allowed by {} of {} \"{}\" to {}", binding, grant.role->cluster ? "ClusterRole" : "Role", grant.role->name,
                     describe_subject(*grant.subject, grant.binding_ns));
}

std::string describe_missing(const RoleRef& role) {
  return fmt::format("{}.{} \"{}\" not found", role.cluster ? "clusterrole" : "role", api_group, role.name);
}

// One error as it is, several in brackets, each once.
std::string join_errors(std::vector<std::string> errors) {
  std::vector<std::string> unique;
  for (auto& error : errors)
    if (std::find(unique.begin(), unique.end(), error) == unique.end()) unique.push_back(std::move(error));
  if (unique.empty()) return {};
  if (unique.size() == 1) return unique.front();
  return fmt::format("[{}]", fmt::join(unique, ", "));
}

}  // namespace

std::optional<AuthorizationResult> RbacAuthorizer::authorize_now(const AuthorizationAttributes& attributes) {
  const RuleQuery query(attributes);
  AuthorizationResult result;
  std::vector<std::string> missing;
  index_.visit(attributes.user, attributes.is_resource ? std::string_view(attributes.ns) : std::string_view(), [&](const Grant& grant) {
    if (!grant.rules) {
      missing.push_back(describe_missing(*grant.role));
      return true;
    }
    if (!allows(*grant.rules, query)) return true;
    result.decision = Decision::Allow;
    result.reason = describe_grant(grant);
    return false;
  });
  if (result.decision == Decision::NoOpinion && !missing.empty()) result.reason = "RBAC: " + join_errors(std::move(missing));
  return result;
}

UserRules RbacAuthorizer::rules_for(const UserInfo& user, const std::string& ns) {
  UserRules out;
  std::vector<std::string> missing;
  index_.visit(user, ns, [&](const Grant& grant) {
    if (!grant.rules) {
      missing.push_back(describe_missing(*grant.role));
      return true;
    }
    for (const Rule& rule : *grant.rules) {
      if (!rule.resources.empty()) out.resource_rules.push_back({rule.verbs, rule.groups, rule.resources, rule.names});
      if (!rule.urls.empty()) out.non_resource_rules.push_back({rule.verbs, rule.urls});
    }
    return true;
  });
  out.evaluation_error = join_errors(std::move(missing));
  return out;
}

void feed(RbacIndex& index, ResourceReader& reader) {
  const std::string group(api_group);
  const auto follow = [&]<class T>(const char* resource, std::type_identity<T>, auto put, auto remove) {
    const GroupResource key{group, resource};
    reader.subscribe(key, [&reader, key, put, remove](const storage::CacheEvent& event) {
      if (!event.object) return;
      const auto& header = event.object->header();
      if (event.type == storage::CacheEventType::Deleted) return remove(std::string(header.ns), std::string(header.name));
      const auto object = reader.decode(key, *event.object);
      if (object) put(std::string(header.ns), std::string(header.name), object->template as<T>());
    });
  };
  const auto put_role = [&index](std::string ns, std::string name, const auto& role) { index.put_role(ns, name, to_rules(role.rules)); };
  const auto remove_role = [&index](std::string ns, std::string name) { index.remove_role(ns, name); };
  const auto put_binding = [&index](std::string ns, std::string name, const auto& binding) {
    index.put_binding(ns, name, to_role_ref(binding.role_ref), to_subjects(binding.subjects));
  };
  const auto remove_binding = [&index](std::string ns, std::string name) { index.remove_binding(ns, name); };
  follow("clusterroles", std::type_identity<api::rbac_v1::ClusterRole>(), put_role, remove_role);
  follow("roles", std::type_identity<api::rbac_v1::Role>(), put_role, remove_role);
  follow("clusterrolebindings", std::type_identity<api::rbac_v1::ClusterRoleBinding>(), put_binding, remove_binding);
  follow("rolebindings", std::type_identity<api::rbac_v1::RoleBinding>(), put_binding, remove_binding);
}

}  // namespace pintle::apiserver::rbac

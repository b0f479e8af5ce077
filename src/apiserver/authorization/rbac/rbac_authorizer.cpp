#include "apiserver/authorization/rbac/rbac_authorizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/authorization/rbac/convert.h"

namespace pintle::apiserver::authorization::rbac {
namespace {

constexpr std::size_t missing_roles_listed_max = 16;  // of roles that are bound and do not exist, in a reason

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

// Errors about a user's grants, each once and missing_roles_listed_max at most: one as it is, several in brackets.
class GrantErrors {
 public:
  void add(const RoleRef& role) {
    if (errors_.size() < missing_roles_listed_max) add(describe_missing(role));
  }
  void add(std::string error) {
    if (std::find(errors_.begin(), errors_.end(), error) == errors_.end()) errors_.push_back(std::move(error));
  }
  void add_exceeded() { add(fmt::format("the user's roles hold more than {} values; those beyond have no effect", values_judged_max)); }
  std::string text() const {
    if (errors_.empty()) return {};
    return errors_.size() == 1 ? errors_.front() : fmt::format("[{}]", fmt::join(errors_, ", "));
  }

 private:
  std::vector<std::string> errors_;
};

}  // namespace

std::optional<AuthorizationResult> RbacAuthorizer::authorize_now(const AuthorizationAttributes& attributes) {
  const RuleQuery query(attributes);
  AuthorizationResult result;
  GrantErrors errors;
  const bool all =
      index_.visit(attributes.user, attributes.is_resource ? std::string_view(attributes.ns) : std::string_view(), [&](const Grant& grant) {
        if (!grant.rules) {
          errors.add(*grant.role);
          return true;
        }
        if (!allows(**grant.rules, query)) return true;
        result.decision = Decision::Allow;
        result.reason = describe_grant(grant);
        return false;
      });
  if (!all) errors.add_exceeded();
  const std::string text = errors.text();
  if (result.decision == Decision::NoOpinion && !text.empty()) result.reason = "RBAC: " + text;
  return result;
}

UserRules RbacAuthorizer::rules_for(const UserInfo& user, const std::string& ns) {
  UserRules out;
  GrantErrors errors;
  std::size_t rules = 0, bytes = 0;
  const bool all = index_.visit(user, ns, [&](const Grant& grant) {
    if (!grant.rules) {
      errors.add(*grant.role);
      return true;
    }
    for (const Rule& rule : **grant.rules) {
      bytes += rule.bytes();
      out.incomplete = ++rules > rules_listed_max || bytes > rules_listed_bytes_max;
      if (out.incomplete) return false;
      if (!rule.resources.empty()) out.resource_rules.push_back({rule.verbs, rule.groups, rule.resources, rule.names});
      if (!rule.urls.empty()) out.non_resource_rules.push_back({rule.verbs, rule.urls});
    }
    return true;
  });
  if (out.incomplete)
    errors.add(fmt::format("more than {} rules or {} bytes of them: the others are not listed", rules_listed_max, rules_listed_bytes_max));
  if (!all) errors.add_exceeded();
  out.incomplete = out.incomplete || !all;
  out.evaluation_error = errors.text();
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

}  // namespace pintle::apiserver::authorization::rbac

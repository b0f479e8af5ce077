#include "apiserver/authorization/rbac/escalation.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "apiserver/authorization/rbac/convert.h"
#include "apiserver/authorization/rbac/coverage.h"
#include "apiserver/types/errors.h"
#include "codec/json_text.h"

namespace pintle::apiserver::authorization::rbac {
namespace {

using namespace api::rbac_v1;

// What is about to be written, whichever of the four kinds it is.
struct Write {
  const char* resource = nullptr;
  const api::meta_v1::ObjectMeta* metadata = nullptr;
  std::vector<Rule> rules;  // of a role
  bool aggregated = false;
  const api::rbac_v1::RoleRef* role_ref = nullptr;  // of a binding
};

Write subject_of(const api::Object& object) {
  if (object.is<ClusterRole>()) {
    const auto& role = object.as<ClusterRole>();
    return {"clusterroles", &role.metadata, to_rules(role.rules), role.aggregation_rule && !role.aggregation_rule->cluster_role_selectors.empty(),
            nullptr};
  }
  if (object.is<Role>()) return {"roles", &object.as<Role>().metadata, to_rules(object.as<Role>().rules), false, nullptr};
  if (object.is<ClusterRoleBinding>()) {
    const auto& binding = object.as<ClusterRoleBinding>();
    return {"clusterrolebindings", &binding.metadata, {}, false, &binding.role_ref};
  }
  const auto& binding = object.as<RoleBinding>();
  return {"rolebindings", &binding.metadata, {}, false, &binding.role_ref};
}

// What the garbage collector must be able to change, whatever its own rights. Any other change is checked: labels decide
// which aggregated ClusterRole takes a role's rules over.
bool only_collection_fields_changed(const api::Object& object, const api::Object& old) {
  if (&object.type() != &old.type()) return false;
  api::Object copy = old;
  const api::KindInfo* kind = api::kind_of(object.type());
  if (!kind || kind->metadata_offset < 0) return false;
  const auto metadata = [&](api::Object& o) -> api::meta_v1::ObjectMeta& {
    return *reinterpret_cast<api::meta_v1::ObjectMeta*>(static_cast<char*>(o.data()) + kind->metadata_offset);
  };
  api::Object now = object;
  metadata(copy).owner_references = metadata(now).owner_references;
  metadata(copy).finalizers = metadata(now).finalizers;
  metadata(copy).managed_fields = metadata(now).managed_fields;
  return api::equal(object.type(), now.data(), copy.data());
}

AuthorizationAttributes ask(const UserInfo& user, const char* verb, const char* resource, std::string name, std::string ns) {
  AuthorizationAttributes out;
  out.user = user;
  out.verb = verb;
  out.group = std::string(api_group);
  out.version = "v1";
  out.resource = resource;
  out.name = std::move(name);
  out.ns = std::move(ns);
  return out;
}

std::vector<const Rule*> rules_of(const std::vector<Rules>& roles) {
  std::vector<const Rule*> out;
  for (const Rules& role : roles)
    for (const Rule& rule : *role) out.push_back(&rule);
  return out;
}

// The missing rules, one a line, in order.
std::string list_missing(const Coverage& coverage) {
  std::vector<std::string> lines;
  for (const Rule& rule : coverage.missing) lines.push_back(describe(rule));
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text.append("\n").append(line);
  if (coverage.more) text += "\nand more";
  if (coverage.too_many) text += "\nand there are too many rules to compare them all";
  return text;
}

// What of `wanted` the user does not have, as an error text; "" when nothing is missing.
std::string missing_rights(const RbacIndex& index, const UserInfo& user, const std::string& ns, std::span<const Rule> wanted) {
  std::vector<Rules> roles;
  index.visit(user, ns, [&](const Grant& grant) {
    if (grant.rules) roles.push_back(*grant.rules);
    return true;
  });
  const Coverage coverage = cover(rules_of(roles), wanted, Listing::Some);
  if (coverage.complete()) return {};
  std::vector<std::string> groups;
  for (const std::string& group : user.groups) groups.push_back(codec::go_quote(group));
  return fmt::format("user {} (groups=[{}]) is attempting to grant RBAC permissions not currently held:{}", codec::go_quote(user.name),
                     fmt::join(groups, " "), list_missing(coverage));
}

const std::vector<Rule>& every_right() {
  static const std::vector<Rule> rules = {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  return rules;
}

rt::Task<Result<Unit>> check_role(rt::Context ctx, EscalationCheck check, UserInfo user, Write role) {
  const AuthorizationAttributes attributes = ask(user, "escalate", role.resource, role.metadata->name, role.metadata->namespace_);
  const AuthorizationResult result = co_await check.authorizer->authorize(ctx, attributes);
  if (result.decision == Decision::Allow) co_return Unit{};
  const GroupResource resource{std::string(api_group), role.resource};
  const std::string missing = missing_rights(*check.index, user, role.metadata->namespace_, role.rules);
  if (!missing.empty()) co_return Unexpected(errors::forbidden(resource, role.metadata->name, missing));
  if (role.aggregated && !missing_rights(*check.index, user, "", every_right()).empty())
    co_return Unexpected(errors::forbidden(resource, role.metadata->name, "only who holds every right may set an aggregationRule"));
  co_return Unit{};
}

rt::Task<Result<Unit>> check_binding(rt::Context ctx, EscalationCheck check, UserInfo user, Write binding) {
  const bool cluster = binding.role_ref->kind == "ClusterRole";
  const std::string ns = binding.metadata->namespace_;
  const AuthorizationAttributes attributes = ask(user, "bind", cluster ? "clusterroles" : "roles", binding.role_ref->name, ns);
  const AuthorizationResult result = co_await check.authorizer->authorize(ctx, attributes);
  if (result.decision == Decision::Allow) co_return Unit{};
  const auto rules = check.index->role_rules(cluster ? std::string() : ns, binding.role_ref->name);
  if (!rules) {
    const GroupResource role{std::string(api_group), cluster ? "clusterroles" : "roles"};
    co_return Unexpected(errors::not_found(role, binding.role_ref->name));
  }
  const std::string missing = missing_rights(*check.index, user, ns, *rules);
  if (missing.empty()) co_return Unit{};
  const GroupResource resource{std::string(api_group), binding.resource};
  co_return Unexpected(errors::forbidden(resource, binding.metadata->name, missing));
}

}  // namespace

rt::Task<Result<Unit>> check_escalation(rt::Context ctx, EscalationCheck check, UserInfo user, const api::Object* object, const api::Object* old) {
  if (user.in_group(group_masters)) co_return Unit{};
  if (old && only_collection_fields_changed(*object, *old)) co_return Unit{};
  Write subject = subject_of(*object);
  if (old && subject_of(*old).aggregated) subject.aggregated = true;  // taking the aggregationRule away asks as much
  if (subject.role_ref) co_return co_await check_binding(ctx, check, std::move(user), std::move(subject));
  co_return co_await check_role(ctx, check, std::move(user), std::move(subject));
}

}  // namespace pintle::apiserver::authorization::rbac

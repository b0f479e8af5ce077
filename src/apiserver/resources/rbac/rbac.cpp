#include <array>

#include "api/gen/rbac_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/authorization/rbac/escalation.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {
namespace {

namespace rbac = api::rbac_v1;

constexpr std::string_view api_group = "rbac.authorization.k8s.io";
constexpr std::array<std::string_view, 1> rbac_groups{api_group};

void validate_rules(const std::vector<rbac::PolicyRule>& rules, bool namespaced, FieldErrors& errors) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const rbac::PolicyRule& rule = rules[i];
    const FieldPath at = FieldPath("rules").index(i);
    if (rule.verbs.empty()) errors.required(at.child("verbs"), "verbs must contain at least one value");
    if (!rule.non_resource_urls.empty()) {
      if (namespaced)
        errors.invalid(at.child("nonResourceURLs"), apimachinery::BadValue::raw("[...]"), "namespaced rules cannot apply to non-resource URLs");
      if (!rule.api_groups.empty() || !rule.resources.empty() || !rule.resource_names.empty())
        errors.invalid(at.child("nonResourceURLs"), apimachinery::BadValue::raw("[...]"),
                       "rules cannot apply to both regular resources and non-resource URLs");
      continue;
    }
    if (rule.api_groups.empty()) errors.required(at.child("apiGroups"), "resource rules must supply at least one api group");
    if (rule.resources.empty()) errors.required(at.child("resources"), "resource rules must supply at least one resource");
  }
}

template <class Binding>
void default_binding(Binding& binding) {
  if (binding.role_ref.api_group.empty()) binding.role_ref.api_group = api_group;
  for (rbac::Subject& subject : binding.subjects)
    if (subject.api_group.empty() && (subject.kind == "User" || subject.kind == "Group")) subject.api_group = api_group;
}

void validate_subject(const rbac::Subject& subject, bool cluster_wide, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> kinds{"ServiceAccount", "User", "Group"};
  constexpr std::array<std::string_view, 1> core_group{""};
  if (subject.name.empty()) errors.required(path.child("name"));
  if (subject.kind == "ServiceAccount") {
    if (!subject.name.empty()) errors.invalid_all(path.child("name"), subject.name, apimachinery::check_dns_subdomain(subject.name));
    if (!subject.api_group.empty()) errors.not_supported(path.child("apiGroup"), subject.api_group, core_group);
    if (cluster_wide && subject.namespace_.empty()) errors.required(path.child("namespace"));
  } else if (subject.kind == "User" || subject.kind == "Group") {
    if (subject.api_group != api_group) errors.not_supported(path.child("apiGroup"), subject.api_group, rbac_groups);
  } else {
    errors.not_listed(path.child("kind"), subject.kind, kinds);
  }
}

template <class Binding>
void validate_binding(const Binding& binding, bool cluster_wide, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> role_kinds{"Role", "ClusterRole"};
  constexpr std::array<std::string_view, 1> cluster_kinds{"ClusterRole"};
  const FieldPath at("roleRef");
  const rbac::RoleRef& role = binding.role_ref;
  if (role.api_group != api_group) errors.not_supported(at.child("apiGroup"), role.api_group, rbac_groups);
  if (role.kind != "ClusterRole" && (cluster_wide || role.kind != "Role"))
    errors.not_listed(at.child("kind"), role.kind,
                      cluster_wide ? std::span<const std::string_view>(cluster_kinds) : std::span<const std::string_view>(role_kinds));
  if (role.name.empty()) {
    errors.required(at.child("name"));
  } else {
    errors.invalid_all(at.child("name"), role.name, apimachinery::check_path_segment_name(role.name));
  }
  for (std::size_t i = 0; i < binding.subjects.size(); ++i)
    validate_subject(binding.subjects[i], cluster_wide, FieldPath("subjects").index(i), errors);
}

template <class Binding>
void validate_role_ref_kept(const Binding& binding, const Binding& old, FieldErrors& errors) {
  if (binding.role_ref.api_group != old.role_ref.api_group || binding.role_ref.kind != old.role_ref.kind ||
      binding.role_ref.name != old.role_ref.name)
    errors.invalid(FieldPath("roleRef"), apimachinery::BadValue::raw("{...}"), "cannot change roleRef");
}

template <class Role>
void role_cells(const Role& role, registry::TableCells& cells) {
  cells.emplace_back(role.metadata.name);
  cells.emplace_back(api::format_time(role.metadata.creation_timestamp));
}

template <class Binding>
void binding_cells(const Binding& binding, registry::TableCells& cells) {
  std::string users;
  std::string groups;
  std::string accounts;
  const auto add = [](std::string& list, const std::string& name) { list += (list.empty() ? "" : ", ") + name; };
  for (const rbac::Subject& subject : binding.subjects) {
    if (subject.kind == "ServiceAccount") {
      add(accounts, subject.namespace_ + "/" + subject.name);
    } else {
      add(subject.kind == "User" ? users : groups, subject.name);
    }
  }
  cells.emplace_back(binding.metadata.name);
  cells.emplace_back(binding.role_ref.kind + "/" + binding.role_ref.name);
  cells.push_back(registry::TableCell::age(binding.metadata.creation_timestamp));
  cells.emplace_back(users);
  cells.emplace_back(groups);
  cells.emplace_back(accounts);
}

// Nobody hands out rights that they do not have.
template <class T>
class CheckedStrategy : public registry::TypedStrategy<T> {
 public:
  bool has_check() const override { return true; }
  rt::Task<Result<Unit>> check(RequestScope& scope, const api::Object& object, const api::Object* old) const override {
    if (scope.internal || scope.escalation == nullptr) co_return Unit{};
    co_return co_await authorization::rbac::check_escalation(scope.ctx, *scope.escalation, scope.user, &object, old);
  }
};

class RoleStrategy : public CheckedStrategy<rbac::Role> {
 public:
  void validate(const RequestScope&, const rbac::Role& role, FieldErrors& errors) const override { validate_rules(role.rules, true, errors); }
  void table_cells(const rbac::Role& role, registry::TableCells& cells) const override { role_cells(role, cells); }
};

class ClusterRoleStrategy : public CheckedStrategy<rbac::ClusterRole> {
 public:
  void validate(const RequestScope&, const rbac::ClusterRole& role, FieldErrors& errors) const override {
    validate_rules(role.rules, false, errors);
    if (!role.aggregation_rule) return;
    const FieldPath selectors("aggregationRule", "clusterRoleSelectors");
    if (role.aggregation_rule->cluster_role_selectors.empty())
      errors.required(selectors, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    for (std::size_t i = 0; i < role.aggregation_rule->cluster_role_selectors.size(); ++i) {
      const auto& selector = role.aggregation_rule->cluster_role_selectors[i];
      FieldErrors own;
      validate_label_selector(selector, selectors.index(i), own);
      const bool broken = !own.empty();
      errors.append(std::move(own));
      if (broken) errors.invalid(selectors.index(i), apimachinery::BadValue::raw("{...}"), "invalid label selector");
    }
  }
  void table_cells(const rbac::ClusterRole& role, registry::TableCells& cells) const override { role_cells(role, cells); }
};

class RoleBindingStrategy : public CheckedStrategy<rbac::RoleBinding> {
 public:
  void set_defaults(rbac::RoleBinding& binding) const override { default_binding(binding); }
  void validate(const RequestScope&, const rbac::RoleBinding& binding, FieldErrors& errors) const override {
    validate_binding(binding, false, errors);
  }
  void validate_update(const RequestScope&, const rbac::RoleBinding& binding, const rbac::RoleBinding& old, FieldErrors& errors) const override {
    validate_role_ref_kept(binding, old, errors);
  }
  void table_cells(const rbac::RoleBinding& binding, registry::TableCells& cells) const override { binding_cells(binding, cells); }
};

class ClusterRoleBindingStrategy : public CheckedStrategy<rbac::ClusterRoleBinding> {
 public:
  void set_defaults(rbac::ClusterRoleBinding& binding) const override { default_binding(binding); }
  void validate(const RequestScope&, const rbac::ClusterRoleBinding& binding, FieldErrors& errors) const override {
    validate_binding(binding, true, errors);
  }
  void validate_update(const RequestScope&, const rbac::ClusterRoleBinding& binding, const rbac::ClusterRoleBinding& old,
                       FieldErrors& errors) const override {
    validate_role_ref_kept(binding, old, errors);
  }
  void table_cells(const rbac::ClusterRoleBinding& binding, registry::TableCells& cells) const override { binding_cells(binding, cells); }
};

registry::ResourceDefinition make(const char* resource, std::shared_ptr<const registry::Strategy> strategy) {
  registry::ResourceDefinition out;
  out.resource = {std::string(api_group), resource};
  out.strategy = std::move(strategy);
  out.name_rule = registry::NameRule::PathSegment;
  out.allow_create_on_update = true;
  return out;
}

}  // namespace

void add_rbac(Definitions& out) {
  out.push_back(make("roles", std::make_shared<RoleStrategy>()));
  out.push_back(make("clusterroles", std::make_shared<ClusterRoleStrategy>()));
  out.push_back(make("rolebindings", std::make_shared<RoleBindingStrategy>()));
  out.push_back(make("clusterrolebindings", std::make_shared<ClusterRoleBindingStrategy>()));
}

}  // namespace pintle::apiserver::resources

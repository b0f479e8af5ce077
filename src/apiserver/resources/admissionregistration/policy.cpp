#include <algorithm>
#include <array>
#include <set>

#include "apimachinery/validation/formats.h"
#include "apimachinery/validation/object_meta.h"
#include "apiserver/resources/admissionregistration/admissionregistration.h"

namespace pintle::apiserver::resources::admissionregistration {
namespace {

constexpr std::size_t audit_annotations_max = 20;
constexpr std::size_t audit_expression_bytes_max = 5 * 1024;

// As Go's generated code prints the selector: clients see this text in tables.
std::string selector_text(const api::meta_v1::LabelSelector& selector) {
  std::string text = "&LabelSelector{MatchLabels:map[string]string{";
  for (const auto& [key, value] : selector.match_labels) text += key + ": " + value + ",";
  text += "},MatchExpressions:[]LabelSelectorRequirement{";
  for (const auto& expression : selector.match_expressions) {
    text += "LabelSelectorRequirement{Key:" + expression.key + ",Operator:" + expression.operator_ + ",Values:[";
    for (std::size_t i = 0; i < expression.values.size(); ++i) text += (i > 0 ? " " : "") + expression.values[i];
    text += "],},";
  }
  return text + "},}";
}

template <class Spec>
void validate_common(const Spec& spec, const FieldPath& path, FieldErrors& errors) {
  if (spec.param_kind) validate_param_kind(*spec.param_kind, path.child("paramKind"), errors);
  const FieldPath constraints = path.child("matchConstraints");
  if (!spec.match_constraints) {
    errors.required(constraints);
    return;
  }
  validate_match_resources(*spec.match_constraints, constraints, errors);
  if (spec.match_constraints->resource_rules.empty()) errors.required(constraints.child("resourceRules"));
}

// What changes nothing about match conditions is not measured by them again.
template <class Spec>
bool has_same_conditions(const Spec& spec, const Spec& old) {
  const auto kind = [](const Spec& s) {
    return s.param_kind ? std::pair(s.param_kind->api_version, s.param_kind->kind) : std::pair<std::string, std::string>();
  };
  return kind(spec) == kind(old) && std::ranges::equal(spec.match_conditions, old.match_conditions,
                                                       [](const auto& a, const auto& b) { return a.name == b.name && a.expression == b.expression; });
}

void validate_validation(const v1::Validation& validation, PolicyExpressions& expressions, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 3> reasons{"Forbidden", "Invalid", "RequestEntityTooLarge"};
  expressions.check(validation.expression, Purpose::Condition, path.child("expression"), errors);
  if (!validation.message_expression.empty() && trimmed(validation.message_expression).empty()) {
    errors.invalid(path.child("messageExpression"), validation.message_expression, "must not be blank if given");
  } else if (!validation.message_expression.empty()) {
    expressions.check(validation.message_expression, Purpose::Message, path.child("messageExpression"), errors);
  }
  const std::string_view message = trimmed(validation.message);
  if (!validation.message.empty() && message.empty()) {
    errors.invalid(path.child("message"), validation.message, "must not be blank if given");
  } else if (message.find_first_of("\r\n") != std::string_view::npos) {
    errors.invalid(path.child("message"), validation.message, "must be one line");
  }
  if (validation.reason && std::find(reasons.begin(), reasons.end(), *validation.reason) == reasons.end())
    errors.not_supported(path.child("reason"), *validation.reason, reasons);
}

void validate_audit_annotations(const v1::ValidatingAdmissionPolicy& policy, PolicyExpressions& expressions, FieldErrors& errors) {
  const FieldPath path("spec", "auditAnnotations");
  const auto& annotations = policy.spec.audit_annotations;
  if (annotations.size() > audit_annotations_max)
    errors.invalid(path, static_cast<int64_t>(annotations.size()), "must not hold more than 20 annotations");
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    const FieldPath at = path.index(i);
    if (policy.metadata.name.empty()) {
      errors.invalid(at.child("key"), annotations[i].key, "needs metadata.name");
    } else {
      const std::string key = policy.metadata.name + "/" + annotations[i].key;
      errors.invalid_all(at.child("key"), key, apimachinery::check_qualified_name(key));
    }
    const std::string_view value = trimmed(annotations[i].value_expression);
    if (value.size() > audit_expression_bytes_max) {
      errors.required(at.child("valueExpression"), "must not exceed 5120 bytes");
    } else {
      expressions.check(value, Purpose::Annotation, at.child("valueExpression"), errors, annotations[i].value_expression);
    }
    if (!keys.insert(annotations[i].key).second) errors.duplicate(at.child("key"), annotations[i].key);
  }
}

class ValidatingPolicyStrategy : public registry::TypedStrategy<v1::ValidatingAdmissionPolicy> {
 public:
  void validate(const RequestScope&, const v1::ValidatingAdmissionPolicy& policy, FieldErrors& errors) const override { check(policy, true, errors); }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::ValidatingAdmissionPolicy& policy, const v1::ValidatingAdmissionPolicy& old,
                       FieldErrors& errors) const override {
    check(policy, !has_same_conditions(policy.spec, old.spec), errors);
  }
  void table_cells(const v1::ValidatingAdmissionPolicy& policy, registry::TableCells& cells) const override {
    cells.emplace_back(policy.metadata.name);
    cells.emplace_back(static_cast<int64_t>(policy.spec.validations.size()));
    cells.emplace_back(shown(policy.spec.param_kind));
    cells.push_back(registry::TableCell::age(policy.metadata.creation_timestamp));
  }

 private:
  static void check(const v1::ValidatingAdmissionPolicy& policy, bool conditions, FieldErrors& errors) {
    const FieldPath path("spec");
    const auto& spec = policy.spec;
    const bool has_params = spec.param_kind.has_value();
    validate_common(spec, path, errors);
    if (conditions) validate_match_conditions(spec.match_conditions, has_params, path.child("matchConditions"), errors);
    PolicyExpressions expressions(has_params, !spec.variables.empty());
    expressions.check_variables(spec.variables, path.child("variables"), errors);
    if (spec.validations.empty() && spec.audit_annotations.empty()) {
      errors.required(path.child("validations"), "validations or auditAnnotations must hold an item");
      errors.required(path.child("auditAnnotations"), "validations or auditAnnotations must hold an item");
    }
    for (std::size_t i = 0; i < spec.validations.size(); ++i)
      validate_validation(spec.validations[i], expressions, path.child("validations").index(i), errors);
    validate_audit_annotations(policy, expressions, errors);
  }
};

class PolicyStatusStrategy : public registry::TypedStrategy<v1::ValidatingAdmissionPolicy> {
 public:
  void prepare_for_update(const RequestScope&, v1::ValidatingAdmissionPolicy& policy, const v1::ValidatingAdmissionPolicy& old) const override {
    policy.spec = old.spec;
    auto managed = std::move(policy.metadata.managed_fields);
    auto version = std::move(policy.metadata.resource_version);
    policy.metadata = old.metadata;
    policy.metadata.managed_fields = std::move(managed);
    policy.metadata.resource_version = std::move(version);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::ValidatingAdmissionPolicy& policy, const v1::ValidatingAdmissionPolicy&,
                       FieldErrors& errors) const override {
    const FieldPath path("status");
    if (policy.status.type_checking) {
      const auto& warnings = policy.status.type_checking->expression_warnings;
      for (std::size_t i = 0; i < warnings.size(); ++i) {
        const FieldPath at = path.child("typeChecking", "expressionWarnings").index(i);
        if (warnings[i].warning.empty()) errors.required(at.child("warning"));
        if (trimmed(warnings[i].field_ref).empty()) errors.required(at.child("fieldRef"));
      }
    }
    apimachinery::validate_conditions(policy.status.conditions, path.child("conditions"), errors);
  }
};

class MutatingPolicyStrategy : public registry::TypedStrategy<v1::MutatingAdmissionPolicy> {
 public:
  void validate(const RequestScope&, const v1::MutatingAdmissionPolicy& policy, FieldErrors& errors) const override { check(policy, true, errors); }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::MutatingAdmissionPolicy& policy, const v1::MutatingAdmissionPolicy& old,
                       FieldErrors& errors) const override {
    check(policy, !has_same_conditions(policy.spec, old.spec), errors);
  }
  void table_cells(const v1::MutatingAdmissionPolicy& policy, registry::TableCells& cells) const override {
    cells.emplace_back(policy.metadata.name);
    cells.emplace_back(static_cast<int64_t>(policy.spec.mutations.size()));
    cells.emplace_back(shown(policy.spec.param_kind));
    cells.push_back(registry::TableCell::age(policy.metadata.creation_timestamp));
  }

 private:
  static void check(const v1::MutatingAdmissionPolicy& policy, bool conditions, FieldErrors& errors) {
    const FieldPath path("spec");
    const auto& spec = policy.spec;
    const bool has_params = spec.param_kind.has_value();
    validate_common(spec, path, errors);
    validate_operations(spec, path, errors);
    if (conditions) validate_match_conditions(spec.match_conditions, has_params, path.child("matchConditions"), errors);
    PolicyExpressions expressions(has_params, true);
    expressions.check_variables(spec.variables, path.child("variables"), errors);
    if (spec.mutations.empty()) errors.required(path.child("mutations"), "mutations must hold an item");
    for (std::size_t i = 0; i < spec.mutations.size(); ++i)
      validate_mutation(spec.mutations[i], expressions, path.child("mutations").index(i), errors);
    constexpr std::array<std::string_view, 2> reinvocations{"IfNeeded", "Never"};
    if (spec.reinvocation_policy.empty()) {
      errors.required(path.child("reinvocationPolicy"));
    } else if (std::find(reinvocations.begin(), reinvocations.end(), spec.reinvocation_policy) == reinvocations.end()) {
      errors.not_supported(path.child("reinvocationPolicy"), spec.reinvocation_policy, reinvocations);
    }
  }
  // There is nothing to mutate in what is deleted.
  static void validate_operations(const v1::MutatingAdmissionPolicySpec& spec, const FieldPath& path, FieldErrors& errors) {
    constexpr std::array<std::string_view, 4> operations{"*", "CONNECT", "CREATE", "UPDATE"};
    if (!spec.match_constraints) return;
    for (const auto& rule : spec.match_constraints->resource_rules)
      for (const std::string& operation : rule.operations)
        if (std::find(operations.begin(), operations.end(), operation) == operations.end())
          errors.not_supported(path.child("matchConstraints", "resourceRules").child("operations"), operation, operations);
  }
  static void validate_mutation(const v1::Mutation& mutation, PolicyExpressions& expressions, const FieldPath& path, FieldErrors& errors) {
    constexpr std::array<std::string_view, 2> patches{"ApplyConfiguration", "JSONPatch"};
    if (mutation.patch_type.empty()) {
      errors.required(path.child("patchType"));
    } else if (mutation.patch_type == "JSONPatch") {
      const FieldPath at = path.child("jsonPatch");
      if (!mutation.json_patch) {
        errors.required(at, "must be given when patchType is JSONPatch");
      } else {
        expressions.check(trimmed(mutation.json_patch->expression), Purpose::JsonPatch, at.child("expression"), errors);
      }
      if (mutation.apply_configuration)
        errors.invalid(path.child("applyConfiguration"), "{applyConfiguration}", "must not be given when patchType is JSONPatch");
    } else if (mutation.patch_type == "ApplyConfiguration") {
      const FieldPath at = path.child("applyConfiguration");
      if (!mutation.apply_configuration) {
        errors.required(at, "must be given when patchType is ApplyConfiguration");
      } else {
        expressions.check(trimmed(mutation.apply_configuration->expression), Purpose::ApplyConfiguration, at.child("expression"), errors);
      }
      if (mutation.json_patch) errors.invalid(path.child("jsonPatch"), "{jsonPatch}", "must not be given when patchType is ApplyConfiguration");
    } else {
      errors.not_supported(path.child("patchType"), mutation.patch_type, patches);
    }
  }
};

template <class Binding>
void validate_binding(const Binding& binding, FieldErrors& errors) {
  const FieldPath path("spec");
  if (binding.spec.policy_name.empty()) errors.required(path.child("policyName"));
  if (!binding.spec.policy_name.empty())
    errors.invalid_all(path.child("policyName"), binding.spec.policy_name, apimachinery::check_dns_subdomain(binding.spec.policy_name));
  if (binding.spec.param_ref) validate_param_ref(*binding.spec.param_ref, path.child("paramRef"), errors);
  if (binding.spec.match_resources) validate_match_resources(*binding.spec.match_resources, path.child("matchResources"), errors);
}

template <class Binding>
void binding_cells(const Binding& binding, registry::TableCells& cells) {
  cells.emplace_back(binding.metadata.name);
  cells.emplace_back(binding.spec.policy_name);
  cells.emplace_back(shown(binding.spec.param_ref));
  cells.push_back(registry::TableCell::age(binding.metadata.creation_timestamp));
}

class ValidatingBindingStrategy : public registry::TypedStrategy<v1::ValidatingAdmissionPolicyBinding> {
 public:
  void validate(const RequestScope&, const v1::ValidatingAdmissionPolicyBinding& binding, FieldErrors& errors) const override {
    validate_binding(binding, errors);
    const auto& actions = binding.spec.validation_actions;
    const auto has = [&](std::string_view action) { return std::find(actions.begin(), actions.end(), action) != actions.end(); };
    constexpr std::array<std::string_view, 3> known{"Audit", "Deny", "Warn"};
    const FieldPath path("spec", "validationActions");
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (std::find(known.begin(), known.end(), actions[i]) == known.end()) errors.not_supported(path.index(i), actions[i], known);
      if (!seen.insert(actions[i]).second) errors.duplicate(path.index(i), actions[i]);
    }
    if (actions.empty()) errors.required(path, "at least one action is required");
    if (has("Deny") && has("Warn"))
      errors.invalid(FieldPath("spec", "validationActions"), "Deny,Warn", "must not hold both Deny and Warn: the client would be told twice");
  }
  void table_cells(const v1::ValidatingAdmissionPolicyBinding& binding, registry::TableCells& cells) const override { binding_cells(binding, cells); }
};

class MutatingBindingStrategy : public registry::TypedStrategy<v1::MutatingAdmissionPolicyBinding> {
 public:
  void validate(const RequestScope&, const v1::MutatingAdmissionPolicyBinding& binding, FieldErrors& errors) const override {
    validate_binding(binding, errors);
    if (!binding.spec.match_resources) return;
    constexpr std::array<std::string_view, 4> operations{"*", "CONNECT", "CREATE", "UPDATE"};
    for (const auto& rule : binding.spec.match_resources->resource_rules)
      for (const std::string& operation : rule.operations)
        if (std::find(operations.begin(), operations.end(), operation) == operations.end())
          errors.not_supported(FieldPath("spec", "matchResources").child("resourceRules", "operations"), operation, operations);
  }
  void table_cells(const v1::MutatingAdmissionPolicyBinding& binding, registry::TableCells& cells) const override { binding_cells(binding, cells); }
};

template <class S>
registry::ResourceDefinition define(std::string_view resource) {
  registry::ResourceDefinition made;
  made.resource = {"admissionregistration.k8s.io", std::string(resource)};
  made.strategy = std::make_shared<S>();
  made.has_generation = true;
  made.allow_unconditional_update = false;
  return made;
}

}  // namespace

std::string shown(const Box<v1::ParamKind>& kind) { return kind ? kind->api_version + "/" + kind->kind : "<unset>"; }

std::string shown(const Box<v1::ParamRef>& ref) {
  if (!ref) return "<unset>";
  if (!ref->name.empty()) return (ref->namespace_.empty() ? "*" : ref->namespace_) + "/" + ref->name;
  if (!ref->selector) return "<unset>";
  return selector_text(*ref->selector);
}

registry::ResourceDefinition validating_admission_policies() {
  registry::ResourceDefinition policies = define<ValidatingPolicyStrategy>("validatingadmissionpolicies");
  policies.has_status = true;
  policies.reset_fields = {"status"};
  policies.parts = {{.name = "status", .strategy = std::make_shared<PolicyStatusStrategy>(), .reset_fields = {"spec", "metadata"}}};
  return policies;
}
registry::ResourceDefinition validating_admission_policy_bindings() { return define<ValidatingBindingStrategy>("validatingadmissionpolicybindings"); }
registry::ResourceDefinition mutating_admission_policies() { return define<MutatingPolicyStrategy>("mutatingadmissionpolicies"); }
registry::ResourceDefinition mutating_admission_policy_bindings() { return define<MutatingBindingStrategy>("mutatingadmissionpolicybindings"); }

}  // namespace pintle::apiserver::resources::admissionregistration

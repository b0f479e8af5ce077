#include "apiserver/policy_status/type_checking.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "apiserver/admission/expressions/compiler.h"

namespace pintle::apiserver::policy_status {

namespace cel = apimachinery::cel;
using admission::expressions::Compiler;
using admission::expressions::Places;
using Names = std::vector<std::string>;

namespace {

// Sorted, without those that `skipped` says of. None at all, where there is one that stands for all.
Names names_of(const Names& listed, std::string_view skipped) {
  Names out;
  for (const std::string& name : listed)
    if (name.find_first_of(skipped) == name.npos) out.push_back(name);
  std::ranges::sort(out);
  return out;
}
Names exact(const Names& listed) {
  Names out = names_of(listed, "*");
  return out.size() == listed.size() ? out : Names();
}

using KindsByName = std::map<std::tuple<std::string, std::string, std::string>, KnownKind>;

KindsByName kinds_of(const v1::ValidatingAdmissionPolicy& policy, const KnownKinds& kinds) {
  KindsByName out;
  if (!policy.spec.match_constraints) return out;
  for (const auto& rule : policy.spec.match_constraints->resource_rules) {
    std::size_t count = 0;
    for (const std::string& group : exact(rule.api_groups))
      for (const std::string& version : exact(rule.api_versions))
        for (const std::string& resource : names_of(rule.resources, "*/"))
          for (KnownKind& kind : kinds.of_resource(group, version, resource)) {
            std::tuple name{kind.group, kind.version, kind.kind};
            out.emplace(std::move(name), std::move(kind));
            if (++count == kinds_checked_max) return out;
          }
  }
  return out;
}

cel::TypeRef type_of(const KnownKind& kind, KindTypes& types) {
  const cel::TypeRef made = kind.type ? types.of(*kind.type, kind.kind) : kind.schema ? types.of(*kind.schema, kind.kind) : nullptr;
  return made ? made : &cel::types::dyn;
}

// The compiler of the policy's expressions where they are about that kind, with the policy's variables.
std::unique_ptr<Compiler> compiler_for(const v1::ValidatingAdmissionPolicy& policy, cel::TypeRef object, cel::TypeRef params) {
  auto compiler = std::make_unique<Compiler>(Places{.composed = true, .params = policy.spec.param_kind.has_value()}, object, params);
  for (const v1::Variable& variable : policy.spec.variables) compiler->declare(variable.name, compiler->check(variable.expression));
  return compiler;
}

cel::TypeRef params_type(const v1::ValidatingAdmissionPolicy& policy, const KnownKinds& kinds, KindTypes& types) {
  if (!policy.spec.param_kind) return &cel::types::dyn;
  const std::string_view version = policy.spec.param_kind->api_version;
  const auto slash = version.find('/');
  const bool core = slash == version.npos;
  const auto found =
      kinds.of_kind(core ? std::string_view() : version.substr(0, slash), core ? version : version.substr(slash + 1), policy.spec.param_kind->kind);
  return found.empty() ? &cel::types::dyn : type_of(found.front(), types);
}

}  // namespace

std::vector<v1::ExpressionWarning> check_types(const v1::ValidatingAdmissionPolicy& policy, const KnownKinds& kinds) {
  struct Checked {
    std::string name;
    std::unique_ptr<Compiler> compiler;
  };
  const KindsByName matched = kinds_of(policy, kinds);
  KindTypes types;
  const cel::TypeRef params = params_type(policy, kinds, types);
  std::vector<Checked> checked;
  for (const auto& [name, kind] : matched)
    checked.push_back({kind.group + "/" + kind.version + ", Kind=" + kind.kind, compiler_for(policy, type_of(kind, types), params)});

  std::vector<v1::ExpressionWarning> out;
  const auto check = [&](const std::string& expression, std::string field) {
    std::string text;
    for (const Checked& one : checked) {
      const auto compiled = one.compiler->check(expression);
      if (!compiled.program) text += (text.empty() ? "" : "\n") + one.name + ": " + compiled.broken + "\n";
    }
    if (text.empty()) return;
    v1::ExpressionWarning& warning = out.emplace_back();
    warning.field_ref = std::move(field);
    warning.warning = std::move(text);
  };
  for (std::size_t i = 0; i < policy.spec.validations.size(); ++i) {
    const std::string at = "spec.validations[" + std::to_string(i) + "].";
    check(policy.spec.validations[i].expression, at + "expression");
    if (!policy.spec.validations[i].message_expression.empty()) check(policy.spec.validations[i].message_expression, at + "messageExpression");
  }
  return out;
}

}  // namespace pintle::apiserver::policy_status

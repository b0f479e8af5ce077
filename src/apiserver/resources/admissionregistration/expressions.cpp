#include <set>

#include "apimachinery/cel/parser.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/admissionregistration/admissionregistration.h"

namespace pintle::apiserver::resources::admissionregistration {
namespace {

constexpr std::size_t match_conditions_max = 64;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

}  // namespace

void validate_expression(std::string_view expression, const ExpressionScope& scope, ResultType wanted, const FieldPath& path, FieldErrors& errors) {
  if (is_blank(expression)) {
    errors.required(path);
    return;
  }
  std::vector<std::string_view> names{"object", "oldObject", "request", "namespaceObject"};
  if (scope.has_params) names.emplace_back("params");
  if (scope.has_variables) names.emplace_back("variables");
  if (scope.has_authorizer) names.emplace_back("authorizer");
  const auto checked = apimachinery::cel::check(expression, {names, wanted});
  if (!checked) errors.invalid(path, expression, "compilation failed: " + checked.error().message);
}

void validate_match_conditions(const std::vector<v1::MatchCondition>& conditions, bool has_params, const FieldPath& path, FieldErrors& errors) {
  if (conditions.size() > match_conditions_max) errors.too_many(path, conditions.size(), match_conditions_max);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto& condition = conditions[i];
    const FieldPath at = path.index(i);
    validate_expression(condition.expression, {.has_params = has_params}, ResultType::Bool, at.child("expression"), errors);
    if (condition.name.empty()) {
      errors.required(at.child("name"));
      continue;
    }
    errors.invalid_all(at.child("name"), condition.name, apimachinery::check_qualified_name(condition.name));
    if (!names.insert(condition.name).second) errors.duplicate(at.child("name"), condition.name);
  }
}

void validate_variables(const std::vector<v1::Variable>& variables, bool has_params, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const FieldPath at = path.index(i);
    const std::string& name = variables[i].name;
    if (is_blank(name)) {
      errors.required(at.child("name"));
    } else if (!apimachinery::cel::is_identifier(name)) {
      errors.invalid(at.child("name"), name, "must be an identifier of CEL");
    }
    validate_expression(variables[i].expression, {.has_params = has_params, .has_variables = true}, ResultType::Any, at.child("expression"), errors);
  }
}

}  // namespace pintle::apiserver::resources::admissionregistration

#include <set>

#include "apimachinery/cel/parser.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/admissionregistration/admissionregistration.h"

namespace pintle::apiserver::resources::admissionregistration {
namespace {

constexpr std::size_t match_conditions_max = 64;

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto from = text.find_first_not_of(blanks);
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

void PolicyExpressions::check(std::string_view expression, Purpose purpose, const FieldPath& path, FieldErrors& errors, std::string_view shown) {
  if (trimmed(expression).empty()) {
    errors.required(path);
    return;
  }
  const auto compiled = compiler_.compile(expression, purpose);
  if (!compiled.program) errors.invalid(path, shown.empty() ? expression : shown, compiled.broken);
}

void PolicyExpressions::check_variables(const std::vector<v1::Variable>& variables, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const FieldPath at = path.index(i);
    const std::string& name = variables[i].name;
    if (trimmed(name).empty()) {
      errors.required(at.child("name"));
    } else if (!apimachinery::cel::is_identifier(name)) {
      errors.invalid(at.child("name"), name, "must be an identifier of CEL");
    }
    if (trimmed(variables[i].expression).empty()) {
      errors.required(at.child("expression"));
      continue;
    }
    const auto compiled = compiler_.compile(variables[i].expression, Purpose::Variable);
    if (!compiled.program) errors.invalid(at.child("expression"), variables[i].expression, compiled.broken);
    compiler_.declare(name, compiled);
  }
}

void validate_match_conditions(const std::vector<v1::MatchCondition>& conditions, bool has_params, const FieldPath& path, FieldErrors& errors) {
  if (conditions.size() > match_conditions_max) errors.too_many(path, conditions.size(), match_conditions_max);
  PolicyExpressions expressions(has_params, false);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto& condition = conditions[i];
    const FieldPath at = path.index(i);
    expressions.check(trimmed(condition.expression), Purpose::Condition, at.child("expression"), errors);
    if (condition.name.empty()) {
      errors.required(at.child("name"));
      continue;
    }
    errors.invalid_all(at.child("name"), condition.name, apimachinery::check_qualified_name(condition.name));
    if (!names.insert(condition.name).second) errors.duplicate(at.child("name"), condition.name);
  }
}

}  // namespace pintle::apiserver::resources::admissionregistration

#include "apimachinery/cel/check.h"

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/mutation_types.h"
#include "apimachinery/cel/program.h"

namespace pintle::apimachinery::cel {
namespace {

bool fits(TypeRef type, ResultType wanted) {
  if (type->kind == TypeKind::Dyn) return true;
  switch (wanted) {
    case ResultType::Any: return true;
    case ResultType::Bool: return type->kind == TypeKind::Bool;
    case ResultType::String: return type->kind == TypeKind::String;
    case ResultType::StringOrNull: return type->kind == TypeKind::String || type->kind == TypeKind::Null;
    case ResultType::Object: return type->kind == TypeKind::Struct && type->name == "Object";
    case ResultType::List: return type->kind == TypeKind::List;
  }
  return true;
}

std::string_view name_of(ResultType wanted) {
  switch (wanted) {
    case ResultType::Bool: return "bool";
    case ResultType::String: return "string";
    case ResultType::StringOrNull: return "string or null";
    case ResultType::Object: return "Object";
    case ResultType::List: return "list";
    case ResultType::Any: break;
  }
  return "any";
}

}  // namespace

Result<Unit> check(std::string_view expression, const Scope& scope) {
  EnvironmentOptions options;
  options.libraries = kubernetes_libraries | Library::Bindings | Library::JsonPatch;
  Environment environment(options);
  environment.set_type_source(&mutation_types());
  for (const std::string_view name : scope.variables) environment.add_variable(name, &types::dyn);
  const auto program = environment.compile(expression);
  if (!program) return Unexpected(program.error());
  if (!fits(program->result_type(), scope.wanted)) return bad_request("must evaluate to " + std::string(name_of(scope.wanted)));
  return Unit{};
}

}  // namespace pintle::apimachinery::cel

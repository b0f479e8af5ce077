// Compiler: the expressions of one webhook or policy, made into programs once, when its object is first seen.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"

namespace pintle::apiserver::admission::expressions {

namespace cel = apimachinery::cel;

// What an expression is for: that decides what it may name and what it must be.
enum class Purpose : uint8_t {
  Condition,           // bool
  Message,             // string; no `authorizer`
  Annotation,          // string or null
  Variable,            // anything
  ApplyConfiguration,  // Object; may make Object{...} and JSONPatch{...}
  JsonPatch,           // list(JSONPatch); the same
};

// Places of the variables of an evaluation. Those that are not declared leave no gap: variables(), params() and authorizer() count on.
struct Places {
  bool composed = false;  // `variables`
  bool params = false;
  static constexpr std::size_t object = 0, old_object = 1, namespace_object = 2, request = 3;
  std::size_t variables() const { return 4; }
  std::size_t params_place() const { return 4 + (composed ? 1 : 0); }
  std::size_t authorizer() const { return params_place() + (params ? 1 : 0); }
  std::size_t request_resource() const { return authorizer() + 1; }
  std::size_t count() const { return request_resource() + 1; }
};

// A compiled expression, or what is wrong with it. Immutable.
struct Expression {
  std::string text;                     // trimmed by nobody
  std::optional<cel::Program> program;  // none: broken
  std::string broken;                   // upstream's words: "compilation failed: ERROR: <input>:1:8: ...", "must evaluate to bool but got int"
};

struct NamedExpression {
  std::string name;
  Expression expression;
};

// Not thread-safe; what it makes is, and outlives it.
class Compiler {
 public:
  // `object`, `params`: types of `object` and `oldObject`, of `params`. They outlive what is compiled.
  explicit Compiler(Places declared, cel::TypeRef object = &cel::types::dyn, cel::TypeRef params = &cel::types::dyn);
  ~Compiler();

  const Places& places() const { return declared_; }
  Expression compile(std::string_view text, Purpose purpose);
  // Checked alone, as status.typeChecking has it: any result will do, a fault is the bare text of the compiler.
  Expression check(std::string_view text);
  // `variables.NAME` of what is compiled from now on. A broken one is of any type.
  void declare(std::string_view name, const Expression& expression);

 private:
  class VariableTypes;
  enum class Environment : uint8_t { Plain, Authorizer, Patches };
  const cel::Environment& environment(Environment which);
  std::shared_ptr<const cel::Environment> make(Environment which) const;

  const Places declared_;
  const cel::TypeRef object_, params_;
  std::shared_ptr<VariableTypes> variable_types_;
  std::shared_ptr<const cel::Environment> environments_[3];
};

}  // namespace pintle::apiserver::admission::expressions

// Functions of CEL: names, overloads, what they do. Tables of them make a library; an environment is given those that its expressions
// may call.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "apimachinery/cel/type.h"
#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

struct EvaluationOptions;
class Pattern;

// A call under way. Arguments are values, never errors, and of the overload's kinds.
struct Call {
  std::span<const Value> args;
  Arena& arena;
  const EvaluationOptions& options;
  const Pattern* pattern = nullptr;  // the compiled argument `pattern_arg`, if that is a constant

  const Value& operator[](std::size_t i) const { return args[i]; }
  Value fail(std::string_view message) const { return Value::error(arena, message); }
};

struct Overload {
  std::string_view id;  // upstream's: costs go by it
  bool member = false;  // x.f(y): the target is the first parameter
  std::span<const TypeRef> params;
  TypeRef result = nullptr;
  Value (*call)(const Call& call) = nullptr;  // nullptr: the evaluator's own (&&, ==, [])
  int8_t pattern_arg = -1;                    // which argument is a regular expression
};

struct Function {
  std::string_view name;  // "size", "math.greatest", "_+_"
  std::span<const Overload> overloads;
};

// Struct types that exist as soon as somebody names them.
class TypeSource {
 public:
  // nullptr: there is no such type. What is composed goes into the pool.
  virtual TypeRef find_type(std::string_view name, TypePool& pool) const = 0;

 protected:
  ~TypeSource() = default;
};

// Whether a value may be given to a parameter: by its kind; of a list or a map, the first element stands for all.
bool value_fits(const Value& v, TypeRef param, Arena& arena);

}  // namespace pintle::apimachinery::cel

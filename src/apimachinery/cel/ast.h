// The tree of an expression, macros expanded. Source: the language definition of CEL, grammar section; operators are calls of their
// function ("_+_", "_[_]", "_?_:_"), as upstream's costs and messages name them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/cel/arena.h"
#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/function.h"
#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

struct Loop;

struct Expr {
  enum class Kind : uint8_t { Literal, Ident, Select, Call, List, Map, Struct, Loop };
  // What the checker found a name to be.
  enum class Named : uint8_t { Unresolved, Variable, Local, Constant };

  Kind kind = Kind::Literal;
  bool test_only = false;  // Select: has(target.name)
  bool is_error = false;   // stands for what could not be parsed
  Named named = Named::Unresolved;
  uint16_t depth = 1;     // expressions inside one another, this one included
  uint32_t position = 0;  // code points before it; of an operator, the "(" of a call, the "." of a selection
  uint32_t variable = 0;  // Named::Variable: its place in the environment
  Value constant;         // Literal, Named::Constant
  // Ident: the name, with a leading dot where one is written; Select: the field; Call: the function; Struct: the type.
  std::string_view name;
  Expr* target = nullptr;              // Select: of what; Call: the receiver, if it has one
  std::span<Expr*> args;               // Call: arguments; List: elements; Map: key, value, key ...; Struct: values
  std::span<std::string_view> fields;  // Struct: names of `args`
  std::span<uint32_t> positions;       // Struct, Map: of the colons
  std::span<bool> optional;            // List, Map, Struct: which entries are [?x]; empty: none
  const Loop* loop = nullptr;
  // From the checker.
  TypeRef type = nullptr;
  std::span<const Overload*> overloads;  // Call: those that fit the types of the arguments
};

// A comprehension: what macros become.
struct Loop {
  Expr* range;
  std::string_view variable, variable2;  // variable2 "": one is bound, to the elements of a list or the keys of a map
  std::string_view accumulator;
  Expr *initial, *condition, *step, *result;
};

constexpr std::string_view accumulator_name = "@result";
constexpr std::string_view unused_variable = "#unused";

// optMap() repeats its target, so that a short text may stand for a large tree.
constexpr std::size_t tree_bytes_max = 16 << 20;

// Owns the nodes and texts of an expression.
struct Tree {
  Arena arena{tree_bytes_max};
  std::string text;
  Expr* root = nullptr;
};

}  // namespace pintle::apimachinery::cel

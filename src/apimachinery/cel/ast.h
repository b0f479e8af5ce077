// The tree of a CEL expression. "a && b && c" is one call of three arguments, || likewise; other chains lean to the left. Macros (has, all, map ...)
// are kept as calls; operators are calls of their sign. Source: the language definition of CEL, grammar section.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pintle::apimachinery::cel {

enum class LiteralType : uint8_t { Null, Bool, Int, Uint, Double, String, Bytes };

struct Expr {
  enum class Kind : uint8_t { Literal, Ident, Select, Call, List, Map, Struct };
  Kind kind = Kind::Literal;
  LiteralType literal = LiteralType::Null;
  // Literal: its text as written; Ident: the name; Select: the field; Call: the function ("+", "_[_]", "size");
  // Struct: the type's name.
  std::string text;
  std::unique_ptr<Expr> target;             // Select: of what; Call: the receiver, if it has one
  std::vector<std::unique_ptr<Expr>> args;  // Call: arguments; List: elements; Map: key, value, key ...; Struct: values
  std::vector<std::string> fields;          // Struct: names of `args`
  std::size_t offset = 0;                   // of the first byte in the text
  int depth = 1;                            // expressions inside one another, this one included
};
using ExprPtr = std::unique_ptr<Expr>;

}  // namespace pintle::apimachinery::cel

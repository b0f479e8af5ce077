// Macros: calls that stand for loops and selections. Source: the language definition, macros section; upstream's optional types, bindings
// and two-variable comprehensions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apimachinery/cel/ast.h"

namespace pintle::apimachinery::cel {

struct MacroCall {
  Tree& tree;
  uint32_t libraries;
  std::string_view function;
  Expr* target;  // nullptr: a call without receiver
  std::span<Expr*> args;
  uint32_t position;
};
struct MacroResult {
  bool matched = false;
  Expr* expr = nullptr;  // nullptr: `message` tells why
  std::string message;
  uint32_t error_position = 0;
};
MacroResult expand_macro(const MacroCall& call);

}  // namespace pintle::apimachinery::cel

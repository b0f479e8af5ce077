// Text to tree.
#pragma once

#include <string_view>

#include "apimachinery/cel/ast.h"
#include "base/status.h"

namespace pintle::apimachinery::cel {

constexpr std::size_t expression_bytes_max = 100'000;
constexpr int nesting_max = 250;      // of parentheses, lists, calls and unary operators, as upstream
constexpr int tree_depth_max = 1000;  // of the tree, in which "a + b + c" and "a.b.c" nest too

// Fails (BadRequest) with what was found where something else was expected.
Result<ExprPtr> parse(std::string_view expression);

// A name that may be declared: [_a-zA-Z][_a-zA-Z0-9]* and not reserved.
bool is_identifier(std::string_view name);

}  // namespace pintle::apimachinery::cel

// Text to tree.
#pragma once

#include <string_view>

#include "apimachinery/cel/ast.h"

namespace pintle::apimachinery::cel {

constexpr int nesting_max = 250;      // of parentheses, lists, calls and operators, as upstream
constexpr int tree_depth_max = 1000;  // of the tree, in which "a + b + c" and "a.b.c" nest too

struct ParseOptions {
  uint32_t libraries = kubernetes_libraries;  // which macros there are
  bool quoted_names = false;                  // a.`b-c`
  std::size_t expression_bytes_max = 100'000;
};

// false: `issues` tells why, and the tree is of no use.
bool parse(std::string_view expression, const ParseOptions& options, Tree& tree, std::vector<Issue>& issues);

// A name that may be declared: [_a-zA-Z][_a-zA-Z0-9]* and not reserved.
bool is_identifier(std::string_view name);

// Where a position is, for an issue.
Issue issue_at(std::string_view expression, uint32_t position, std::string message);

}  // namespace pintle::apimachinery::cel

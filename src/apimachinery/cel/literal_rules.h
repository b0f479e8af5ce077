// Faults that types alone do not show: durations, timestamps and regular expressions that cannot be read, lists and maps whose elements are
// of different types.
#pragma once

#include <vector>

#include "apimachinery/cel/ast.h"

namespace pintle::apimachinery::cel {

void check_literals(const Tree& tree, std::vector<Issue>& issues);

}  // namespace pintle::apimachinery::cel

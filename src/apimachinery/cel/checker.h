// Checker: what names mean, which overload a call is, of which type everything is.
#pragma once

#include <vector>

#include "apimachinery/cel/ast.h"
#include "apimachinery/cel/tables.h"

namespace pintle::apimachinery::cel {

// Unchecked: nothing is a fault, everything is dyn; a name that nobody declared fails when it is read.
// Fills in what a Tree's nodes say "from the checker". Types it composes are put into `pool`. Faults are collected, up to issues_max.
void check_types(Tree& tree, const Environment::Tables& tables, TypePool& pool, std::vector<Issue>& issues, bool unchecked = false);

}  // namespace pintle::apimachinery::cel

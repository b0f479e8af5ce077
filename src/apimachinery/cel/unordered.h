// Lists that Kubernetes declares to be sets or maps: compared without regard to order, added as unions. Source: upstream's
// common/values.go of its CEL library.
#pragma once

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

ListSemantics semantics_of(const List& list);
// a's semantics decide; sizes are equal.
Value equal_unordered(const List& a, const List& b, Arena& arena);
// a + b: of a map, b's elements take the place of a's with the same keys; of a set, they come behind those that a has not.
Value union_of(const List& a, const List& b, Arena& arena);

}  // namespace pintle::apimachinery::cel

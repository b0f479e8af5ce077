// The types that mutating policies make objects of: Object and Object.any.path, whose fields are whatever is named, and JSONPatch.
#pragma once

#include "apimachinery/cel/function.h"

namespace pintle::apimachinery::cel {

const TypeSource& mutation_types();

}  // namespace pintle::apimachinery::cel

// Field errors in upstream's order, under this component's own name; the registry makes the Invalid status of them.
#pragma once

#include "apimachinery/validation/field_errors.h"

namespace pintle::apiserver {

using apimachinery::FieldErrors;
using apimachinery::FieldPath;

}  // namespace pintle::apiserver

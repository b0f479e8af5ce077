// Defaulting by the schema's literals.
#pragma once

#include "api/type.h"

namespace pintle::api {

// Sets every field that the schema gives a default and that is absent (zero, empty or an unset pointer), from the
// outside in, so that a struct that a default has made gets its own. Defaults that depend on other fields are the
// resource's strategy's business.
void apply_defaults(const Type& type, void* object);

}  // namespace pintle::api

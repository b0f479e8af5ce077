// Whether the defaults in a schema fit it.
#pragma once

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/validation/field_errors.h"
#include "base/status.h"

namespace pintle::apimachinery::schema {

// Of a structural schema at `path`: each default holds nothing that is not declared, and is valid where it stands. CEL rules are not asked.
// Invalid: the schema cannot be compiled, and nothing was looked at.
Result<Unit> validate_defaults(const api::apiextensions_v1::JSONSchemaProps& schema, const FieldPath& path, FieldErrors& errors);

}  // namespace pintle::apimachinery::schema

// Whether the defaults in a schema fit it.
#pragma once

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/cel/time_zones.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery::schema {

// Of a structural schema at `path`, compiled into `root`: each default holds nothing that is not declared, and is valid where it stands, by its
// rules too. What all rules may cost together is bounded as for one object.
// `zones`: that rules may name; nullptr: UTC and offsets are known.
void validate_defaults(const api::apiextensions_v1::JSONSchemaProps& schema, const Node& root, const cel::TimeZones* zones, const FieldPath& path,
                       FieldErrors& errors);

}  // namespace pintle::apimachinery::schema

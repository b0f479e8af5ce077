// Whether a schema may stand in a CustomResourceDefinition: the rules that make it structural, those of OpenAPI as far as it goes here,
// and that its defaults fit it.
#pragma once

#include <string_view>

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/cel/time_zones.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery::schema {

// Structural: each field is declared outside of allOf, anyOf, oneOf and not, which may only restrict it; with a type, or
// x-kubernetes-int-or-string, or x-kubernetes-preserve-unknown-fields. True when nothing was wrong. The condition NonStructuralSchema of
// a definition lists these errors.
bool validate_structural(const api::apiextensions_v1::JSONSchemaProps& schema, const FieldPath& path, FieldErrors& errors);

struct SchemaRules {
  bool has_status = false;                // of the version: then the root holds only what stays true without "status"
  bool unchanged = false;                 // it stood there before: what its rules may cost is no reason any more
  const cel::TimeZones* zones = nullptr;  // that rules may name where they judge defaults; nullptr: UTC and offsets are known
};
// All rules, for a schema at `path` ("...openAPIV3Schema"): structural, OpenAPI, defaults, then the texts of expressions.
void validate_definition_schema(const api::apiextensions_v1::JSONSchemaProps& schema, const SchemaRules& rules, const FieldPath& path,
                                FieldErrors& errors);

}  // namespace pintle::apimachinery::schema

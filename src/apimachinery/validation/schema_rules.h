// Validation from the schema alone: required fields, closed enums, ranges, lengths, formats, sets without doubles, and
// on update fields that may not change. What needs more than the schema is the resource's own.
#pragma once

#include "api/type.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery {

// `object` is of `type`; its metadata is not looked at (see object_meta.h), nor is its status, which is its
// controllers' affair.
void validate_schema(const api::Type& type, const void* object, FieldErrors& errors);
// Fields marked immutable that differ; lists are not entered.
void validate_schema_update(const api::Type& type, const void* object, const void* old, FieldErrors& errors);

}  // namespace pintle::apimachinery

// Validation of an object, or a part of one, by its schema. Errors are those of upstream's validators: their types, paths and texts.
// Ratcheting: on an update, a value that equals its predecessor is not found fault with, though it breaks the rules of today's schema.
// Items of a list are told apart by map keys; items of other lists have no predecessor.
#pragma once

#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery::schema {

// Values held against schemas, in one call; a list of 100,000 items with a oneOf of 10,000 takes a billion. Beyond it validation ends
// with an error that says so.
constexpr std::size_t validation_steps_max = 10'000'000;

// `path` is that of `value` ("status"), empty for a whole object. Texts of errors name fields as seen from `value`.
void validate_value(const Node& schema, const codec::Value& value, const FieldPath& path, FieldErrors& errors);
// `old`: the predecessor, nullptr where there was none.
void validate_value_update(const Node& schema, const codec::Value& value, const codec::Value* old, const FieldPath& path, FieldErrors& errors);

// Sets and maps hold each item once.
void validate_lists(const Node& schema, const codec::Value& value, const FieldPath& path, FieldErrors& errors);

// apiVersion, kind and metadata of embedded resources. The root is one only where the schema says so.
void validate_embedded(const Node& schema, const codec::Value& value, const FieldPath& path, FieldErrors& errors);

// All of the above for a whole object. Metadata of the object itself is the caller's affair, as are scale (scale.h) and CEL: that runs
// only where blocks_expressions() is false.
void validate_object(const Node& root, const codec::Value& object, FieldErrors& errors);
// Lists that break their rules already may do so again.
void validate_object_update(const Node& root, const codec::Value& object, const codec::Value& old, FieldErrors& errors);
// An update of the status subresource: the value rules see `status` only.
void validate_status_update(const Node& root, const codec::Value& object, const codec::Value& old, FieldErrors& errors);

// Whether an error is of a kind after which CEL rules cannot be evaluated.
bool blocks_expressions(const FieldErrors& errors);
// What upstream says instead of evaluating them.
void report_skipped_expressions(FieldErrors& errors);

// Deep equality as ratcheting sees it: lists of type map are compared key by key, an undeclared member is never equal.
bool equal_for_ratcheting(const Node& schema, const codec::Value& value, const codec::Value& old);

}  // namespace pintle::apimachinery::schema

// Merging an apply configuration into an object, and taking fields out of one.
#pragma once

#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/schema_view.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// `live` with what `config` states. Elements of lists keep the order of `config`, those of `live` alone between them.
// BadRequest if a list of `config` holds one element twice.
Result<codec::Value> merge_config(const SchemaView& schema, const codec::Value& live, const codec::Value& config);

// `document` without the members of `removed`; what loses all it had becomes null.
codec::Value remove_fields(const SchemaView& schema, const codec::Value& document, const FieldSet& removed);

// `set` with the fields that lead to its members made members themselves (fields the schema names; no map keys, no
// list elements).
FieldSet with_named_parents(const SchemaView& schema, const FieldSet& set);

}  // namespace pintle::apimachinery

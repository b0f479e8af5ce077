// Defaults of a schema, put into an object: for members that are missing, and for nulls (of members, items and other members of a map)
// where the schema allows none. They apply on requests and on what is read from the store.
#pragma once

#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

// Of memory that defaults may add to one object; a list of a million empty items times a large default would take gigabytes. Beyond it:
// RequestEntityTooLarge (413), and the object is of no use.
constexpr std::size_t default_bytes_max = codec::decoded_bytes_max;

Result<Unit> fill_defaults(codec::Value& value, const Node* schema);

}  // namespace pintle::apimachinery::schema

// Pruning: takes out of an object what its schema does not declare.
#pragma once

#include <string>
#include <vector>

#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

// Then the paths of further fields are left out; they are pruned all the same.
constexpr std::size_t pruned_paths_max = 500;
constexpr std::size_t pruned_paths_bytes_max = 256 << 10;

enum class Position : uint8_t {
  Inside,  // a value inside an object: only what the schema says is embedded is one
  Root,    // an object of its own: apiVersion, kind and metadata are kept, whatever the schema says
};

// `schema` may be nullptr: nothing is declared. With `pruned`, the paths of what was taken out are appended, sorted, as fieldValidation
// reports them: "spec.items[2].bogus". apiVersion, kind and metadata at the root are never among them.
void prune(codec::Value& value, const Node* schema, Position position, std::vector<std::string>* pruned = nullptr);

enum class Nulls : uint8_t {
  All,
  Valid,  // only those that validation would let pass: the schema names no type
};

// Takes out members that are null where the schema is not nullable and has no default to put there; with a default, fill_defaults
// replaces them.
void drop_nulls(codec::Value& value, const Node* schema, Nulls dropped = Nulls::All);

}  // namespace pintle::apimachinery::schema

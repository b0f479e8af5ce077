// Metadata of embedded resources (x-kubernetes-embedded-resource), as the API itself has it: whatever ObjectMeta does not know is dropped.
#pragma once

#include <string>
#include <vector>

#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

struct CoerceOptions {
  Position position = Position::Inside;
  bool drop_invalid = false;  // what cannot be read is dropped instead of refused: objects that come from the store
};

// Rewrites the metadata of embedded resources in their canonical form. BadRequest names the path of what cannot be read; apiVersion and
// kind must be strings. With `unknown`, paths of dropped fields are appended, sorted.
Result<Unit> coerce_embedded(codec::Value& value, const Node* schema, const CoerceOptions& options, std::vector<std::string>* unknown = nullptr);

}  // namespace pintle::apimachinery::schema

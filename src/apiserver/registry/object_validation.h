// Validation that every object goes through: its metadata, then what the schema states of its fields.
#pragma once

#include "api/object.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver {

void validate_new_object(const Resource& resource, const api::Object& object, FieldErrors& errors);
// `schema`: check the fields too (not for parts, whose other fields stay as they were).
void validate_changed_object(const Resource& resource, const api::Object& object, const api::Object& old, bool schema, FieldErrors& errors);

}  // namespace pintle::apiserver

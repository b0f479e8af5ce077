// Metadata of objects whose type is known by descriptor or not at all.
#pragma once

#include <vector>

#include "api/gen/meta_v1.h"
#include "api/object.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// nullptr where the object's kind has no ObjectMeta.
api::meta_v1::ObjectMeta* find_metadata(api::Object& object);
const api::meta_v1::ObjectMeta* find_metadata(const api::Object& object);
// The object is of a root kind with ObjectMeta, or a custom one (CHECKed).
api::meta_v1::ObjectMeta& metadata_of(api::Object& object);
const api::meta_v1::ObjectMeta& metadata_of(const api::Object& object);

// metadata.managedFields; empty if there are none or they are malformed.
std::vector<api::meta_v1::ManagedFieldsEntry> managed_fields_of(const codec::Value& document);
// Sets them, or removes the member for an empty list.
void set_managed_fields(codec::Value& document, const std::vector<api::meta_v1::ManagedFieldsEntry>& entries);

}  // namespace pintle::apimachinery

#include "apimachinery/apply/metadata_access.h"

#include "api/codec.h"
#include "api/custom_object.h"
#include "api/untrusted.h"
#include "base/check.h"

namespace pintle::apimachinery {

using api::meta_v1::ManagedFieldsEntry;

api::meta_v1::ObjectMeta* find_metadata(api::Object& object) {
  if (object.is<api::CustomObject>()) return &object.as<api::CustomObject>().metadata;
  const api::KindInfo* kind = api::kind_of(object.type());
  if (kind == nullptr || kind->is_list || kind->metadata_offset < 0) return nullptr;
  return reinterpret_cast<api::meta_v1::ObjectMeta*>(static_cast<char*>(object.data()) + kind->metadata_offset);
}

const api::meta_v1::ObjectMeta* find_metadata(const api::Object& object) { return find_metadata(const_cast<api::Object&>(object)); }

api::meta_v1::ObjectMeta& metadata_of(api::Object& object) {
  api::meta_v1::ObjectMeta* const found = find_metadata(object);
  CHECK(found != nullptr, "the object's kind has metadata");
  return *found;
}

const api::meta_v1::ObjectMeta& metadata_of(const api::Object& object) { return metadata_of(const_cast<api::Object&>(object)); }

std::vector<ManagedFieldsEntry> managed_fields_of(const codec::Value& document) {
  const codec::Value* metadata = document.find("metadata");
  const codec::Value* list = metadata ? metadata->find("managedFields") : nullptr;
  std::vector<ManagedFieldsEntry> entries;
  if (list == nullptr || !list->is_array()) return entries;
  for (const codec::Value& item : list->as_array()) {
    ManagedFieldsEntry& entry = entries.emplace_back();
    if (!api::decode_value(item, api::type_of<ManagedFieldsEntry>(), &entry)) return {};
  }
  return entries;
}

void set_managed_fields(codec::Value& document, const std::vector<ManagedFieldsEntry>& entries) {
  codec::Value* metadata = document.find("metadata");
  if (entries.empty()) {
    if (metadata && metadata->is_object()) metadata->as_object().erase("managedFields");
    return;
  }
  codec::Value::Array list;
  for (const ManagedFieldsEntry& entry : entries)  // one whose fields are nested too deep to be read again is left out
    if (auto written = api::to_document(api::type_of<ManagedFieldsEntry>(), &entry)) list.push_back(std::move(*written));
  document["metadata"]["managedFields"] = std::move(list);
}

}  // namespace pintle::apimachinery

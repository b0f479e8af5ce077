#include "apiserver/registry/object_steps.h"

#include <chrono>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apiserver/registry/resource_codec.h"
#include "rt/far_time.h"

namespace pintle::apiserver::registry {

namespace {

constexpr std::string_view name_characters = "bcdfghjklmnpqrstvwxz2456789";  // no vowels: no words
constexpr std::size_t name_suffix_length = 5;
constexpr std::size_t name_length_max = 63;

// A top-level field of the object, or nullptr.
void* top_field(api::Object& object, std::string_view name, const api::Field** field) {
  *field = object.type().find_field(name);
  return *field ? api::field_address(object.data(), **field) : nullptr;
}

void assign_top_field(api::Object& to, const api::Object& from, std::string_view name) {
  if (to.is<api::CustomObject>() && name != "metadata") {
    codec::Value& members = to.as<api::CustomObject>().rest.members;
    if (const codec::Value* member = from.as<api::CustomObject>().rest.members.find(name))
      members[name] = *member;
    else if (members.is_object())
      members.as_object().erase(name);
    return;
  }
  const api::Field* field = nullptr;
  void* target = top_field(to, name, &field);
  if (target == nullptr || field->type->value == nullptr) return;
  field->type->value->assign(target, api::field_address(from.data(), *field));
}

}  // namespace

std::string generated_name(std::string_view base, rt::Random& random) {
  std::string name(base.substr(0, name_length_max - name_suffix_length));
  for (std::size_t i = 0; i < name_suffix_length; ++i) name += name_characters[random.below(name_characters.size())];
  return name;
}

void clear_system_metadata(api::meta_v1::ObjectMeta& meta) {
  meta.uid.clear();
  meta.creation_timestamp = {};
  meta.deletion_timestamp.reset();
  meta.deletion_grace_period_seconds.reset();
  meta.self_link.clear();
}

void fill_new_metadata(api::meta_v1::ObjectMeta& meta, rt::WallTime now, rt::Random& random) {
  clear_system_metadata(meta);  // a webhook may have set it again
  meta.creation_timestamp = apimachinery::to_api_time(now);
  meta.uid = rt::new_uid(random);
}

void keep_system_metadata(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old) {
  if (meta.uid.empty()) meta.uid = old.uid;
  meta.creation_timestamp = old.creation_timestamp;
  meta.self_link.clear();
  meta.generation = old.generation;
  if (old.deletion_timestamp) meta.deletion_timestamp = old.deletion_timestamp;
  if (old.deletion_grace_period_seconds && !meta.deletion_grace_period_seconds)
    meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
}

void prepare_new(const Resource& resource, api::Object& object) {
  if (resource.definition().has_status && object.is<api::CustomObject>()) {
    codec::Value& members = object.as<api::CustomObject>().rest.members;
    if (members.is_object()) members.as_object().erase("status");
  } else if (resource.definition().has_status) {
    const api::Field* field = nullptr;
    if (void* status = top_field(object, "status", &field)) {
      const api::ValueOps& ops = *field->type->value;
      ops.destroy(status);
      ops.construct(status);
    }
  }
  if (resource.definition().has_generation) object_meta(object).generation = 1;
}

void prepare_changed(const Resource& resource, api::Object& object, const api::Object& old) {
  if (resource.definition().has_status) assign_top_field(object, old, "status");
  raise_generation(resource, object, old);
}

void raise_generation(const Resource& resource, api::Object& object, const api::Object& old) {
  if (!resource.definition().has_generation) return;
  if (object.is<api::CustomObject>()) {
    // Without a status of its own, all of an object counts.
    codec::Value now = object.as<api::CustomObject>().rest.members, before = old.as<api::CustomObject>().rest.members;
    for (codec::Value* members : {&now, &before})
      if (resource.definition().has_status && members->is_object()) members->as_object().erase("status");
    if (now != before) object_meta(object).generation = object_meta(old).generation + 1;
    return;
  }
  for (const api::Field& field : object.type().fields) {
    if (field.name == "metadata" || field.name == "status") continue;
    if (api::equal(*field.type, api::field_address(object.data(), field), api::field_address(old.data(), field))) continue;
    object_meta(object).generation = object_meta(old).generation + 1;
    return;
  }
}

void keep_client_metadata(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old) {
  meta.labels = old.labels;
  meta.annotations = old.annotations;
  meta.finalizers = old.finalizers;
  meta.owner_references = old.owner_references;
  meta.generate_name = old.generate_name;
  meta.generation = old.generation;
  meta.deletion_timestamp = old.deletion_timestamp;
  meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
}

void keep_all_but_status(api::Object& object, const api::Object& old) {
  api::Object merged = old;
  assign_top_field(merged, object, "metadata");
  assign_top_field(merged, object, "status");
  object = std::move(merged);
}

void bump_generation(api::meta_v1::ObjectMeta& meta) {
  if (meta.generation > 0) ++meta.generation;
}

bool mark_deleted(const Resource& resource, const RequestScope& scope, api::Object& object, int64_t grace_seconds) {
  auto& meta = object_meta(object);
  const bool first = !meta.deletion_timestamp;
  const bool by_finalizer = resource.definition().deletion_by_finalizer;
  if (first) {
    if (!by_finalizer) bump_generation(meta);
    meta.deletion_timestamp = apimachinery::to_api_time(scope.now + rt::seconds_of(grace_seconds));
  }
  if (!by_finalizer) meta.deletion_grace_period_seconds = grace_seconds;
  if (first) resource.strategy().mark_deleted(scope, object);
  return first;
}

}  // namespace pintle::apiserver::registry

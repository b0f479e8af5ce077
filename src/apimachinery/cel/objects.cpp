// API objects in memory as values: each field as its JSON would show it, without writing the JSON.
#include "api/json_encode.h"
#include "api/rest.h"
#include "api/type.h"
#include "api/values.h"
#include "apimachinery/cel/value.h"
#include "base/check.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/value.h"

namespace pintle::apimachinery::cel {
namespace {

Value field_value(const api::Type& type, const void* at, bool empty_as_list, Arena& arena);

template <class T>
const T& as(const void* at) {
  return *static_cast<const T*>(at);
}
void* writable(const void* at) { return const_cast<void*>(at); }  // the descriptor's operations take void* for reading, too

class ObjectList final : public List {
 public:
  ObjectList(const api::Type& type, const void* at) : type_(type), at_(at) {}
  std::size_t size() const override { return type_.list->size(at_); }
  Value at(std::size_t i, Arena& arena) const override { return field_value(*type_.elem, type_.list->at(writable(at_), i), false, arena); }

 private:
  const api::Type& type_;
  const void* at_;
};

class ObjectMap final : public Map {
 public:
  ObjectMap(const api::Type& type, const void* at) : type_(type), at_(at) {}
  std::size_t size() const override { return type_.map->size(at_); }
  std::optional<Value> find(const Value& key, Arena& arena) const override {
    if (!key.is(Value::Kind::String)) return std::nullopt;
    const void* found = type_.map->find(writable(at_), key.text());
    if (!found) return std::nullopt;
    return field_value(*type_.elem, found, false, arena);
  }
  Value key_at(std::size_t i, Arena&) const override { return Value::of(type_.map->key_at(at_, i)); }
  Value value_at(std::size_t i, Arena& arena) const override { return field_value(*type_.elem, type_.map->value_at(writable(at_), i), false, arena); }

 private:
  const api::Type& type_;
  const void* at_;
};

// A struct: its fields that JSON would not leave out, kind and apiVersion before them where the object has them.
class StructObject final : public Map {
 public:
  StructObject(const api::Type& type, const void* at, const api::GroupVersionKind* kind) : type_(type), at_(at), kind_(kind) {}
  std::size_t size() const override {
    std::size_t count = type_meta() + (rest() ? rest()->size() : 0);
    for (const api::Field& field : type_.fields) count += is_present(field);
    return count;
  }
  std::optional<Value> find(const Value& key, Arena& arena) const override {
    if (!key.is(Value::Kind::String)) return std::nullopt;
    if (kind_ && key.text() == "kind") return Value::of(kind_->kind);
    if (kind_ && key.text() == "apiVersion") return api_version(arena);
    const api::Field* field = type_.find_field(key.text());
    if (!field) {
      const codec::Value* member = rest() ? rest()->get(key.text()) : nullptr;
      return member ? std::optional(document_value(*member, &types::dyn, arena)) : std::nullopt;
    }
    if (!is_present(*field)) return std::nullopt;
    return value_of(*field, arena);
  }
  Value key_at(std::size_t i, Arena&) const override {
    if (i < type_meta()) return Value::of(i == 0 ? "kind" : "apiVersion");
    const api::Field* field = nth(i);
    return Value::of(field ? field->name : std::string_view(member(i)->first));
  }
  Value value_at(std::size_t i, Arena& arena) const override {
    if (i < type_meta()) return i == 0 ? Value::of(kind_->kind) : api_version(arena);
    const api::Field* field = nth(i);
    return field ? value_of(*field, arena) : document_value(member(i)->second, &types::dyn, arena);
  }

 private:
  std::size_t type_meta() const { return kind_ ? 2 : 0; }
  Value api_version(Arena& arena) const {
    if (kind_->group.empty()) return Value::of(kind_->version);
    return Value::of(arena.copy(std::string_view(std::string(kind_->group) + "/" + std::string(kind_->version))));
  }
  bool is_present(const api::Field& field) const {
    if (field.name.empty()) return false;
    const void* value = api::field_address(at_, field);
    return !(field.omit_empty && api::is_empty(*field.type, value)) && !(field.omit_zero && api::is_zero(*field.type, value));
  }
  Value value_of(const api::Field& field, Arena& arena) const {
    return field_value(*field.type, api::field_address(at_, field), field.empty_as_list, arena);
  }
  // nullptr: it is a member of the rest.
  const api::Field* nth(std::size_t i) const {
    std::size_t at = type_meta();
    for (const api::Field& field : type_.fields)
      if (is_present(field) && at++ == i) return &field;
    return nullptr;
  }
  // What no field names, of custom objects.
  const codec::Value::Object* rest() const {
    if (type_.rest_offset < 0) return nullptr;
    return &as<api::Rest>(static_cast<const char*>(at_) + type_.rest_offset).members.as_object();
  }
  decltype(std::declval<const codec::Value::Object&>().begin()) member(std::size_t i) const {
    const std::size_t before = size() - rest()->size();
    CHECK(i >= before && i - before < rest()->size(), "an index below size()");
    return rest()->begin() + static_cast<std::ptrdiff_t>(i - before);
  }

  const api::Type& type_;
  const void* at_;
  const api::GroupVersionKind* kind_;
};

Value text(std::string text, Arena& arena) { return Value::of(arena.copy(std::string_view(text))); }

// Embedded JSON, read once it is looked at.
Value json(const std::string& raw, Arena& arena) {
  if (raw.empty()) return Value::null();
  auto parsed = codec::parse_json(raw);
  if (!parsed) return Value::error(arena, parsed.error().message);
  return document_value(*arena.make<codec::Value>(std::move(*parsed)), &types::dyn, arena);
}

// What has a text or a form of its own in JSON: written and read back.
Value through_json(const api::Type& type, const void* at, Arena& arena) {
  std::string written;
  api::write_json(type, at, written);
  return json(written, arena);
}

Value time_text(const api::Time& time, bool micro, Arena& arena) {
  if (time.zero()) return Value::null();
  return text(micro ? api::format_micro_time(static_cast<const api::MicroTime&>(time)) : api::format_time(time), arena);
}

Value field_value(const api::Type& type, const void* at, bool empty_as_list, Arena& arena) {
  switch (type.kind) {
    case api::Kind::Bool: return Value::of(as<bool>(at));
    case api::Kind::Int32: return Value::of(static_cast<int64_t>(as<int32_t>(at)));
    case api::Kind::Int64: return Value::of(as<int64_t>(at));
    case api::Kind::Uint64: return Value::of(static_cast<int64_t>(as<uint64_t>(at)));
    case api::Kind::Float32: return Value::of(static_cast<double>(as<float>(at)));
    case api::Kind::Float64: return Value::of(as<double>(at));
    case api::Kind::String: return Value::of(std::string_view(as<std::string>(at)));
    case api::Kind::Bytes: return text(codec::base64(as<std::string>(at)), arena);
    case api::Kind::Struct: return Value::of(*arena.make<StructObject>(type, at, nullptr));
    case api::Kind::Optional:
    case api::Kind::Box: {
      const void* held = type.pointer->get(writable(at));
      return held ? field_value(*type.elem, held, true, arena) : Value::null();
    }
    case api::Kind::List:
      if (type.list->size(at) == 0 && !empty_as_list) return Value::null();
      return Value::of(*arena.make<ObjectList>(type, at));
    case api::Kind::Map:
      if (type.map->size(at) == 0 && !empty_as_list) return Value::null();
      return Value::of(*arena.make<ObjectMap>(type, at));
    case api::Kind::Quantity: return Value::of(std::string_view(as<api::Quantity>(at).text()));
    case api::Kind::IntOrString: {
      const auto& either = as<api::IntOrString>(at);
      return either.is_string ? Value::of(std::string_view(either.string_value)) : Value::of(static_cast<int64_t>(either.int_value));
    }
    case api::Kind::Time: return time_text(as<api::Time>(at), false, arena);
    case api::Kind::MicroTime: return time_text(as<api::MicroTime>(at), true, arena);
    case api::Kind::Duration: return text(api::format_duration(as<api::Duration>(at)), arena);
    case api::Kind::FieldsV1: return json(as<api::FieldsV1>(at).raw, arena);
    case api::Kind::Json: return json(as<api::Json>(at).raw, arena);
    case api::Kind::RawExtension:
    case api::Kind::Union: return through_json(type, at, arena);
  }
  return Value::null();
}

}  // namespace

Value object_value(const api::Type& type, const void* object, Arena& arena, const api::GroupVersionKind* kind) {
  if (type.kind == api::Kind::Struct) return Value::of(*arena.make<StructObject>(type, object, kind));
  return field_value(type, object, false, arena);
}

}  // namespace pintle::apimachinery::cel

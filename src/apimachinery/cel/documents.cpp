// Documents as values, and values as documents.
#include <cmath>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/text.h"
#include "apimachinery/cel/time_value.h"
#include "apimachinery/cel/value.h"
#include "codec/base64.h"
#include "codec/value.h"

namespace pintle::apimachinery::cel {
namespace {

Value misfit(std::string_view what, Arena& arena) { return Value::error(arena, "invalid data, expected " + std::string(what)); }

class DocumentList final : public List {
 public:
  DocumentList(const codec::Value::Array& array, TypeRef declared) : array_(array), declared_(declared) {}
  std::size_t size() const override { return array_.size(); }
  Value at(std::size_t i, Arena& arena) const override { return document_value(array_[i], element(), arena); }
  TypeRef declared() const override { return declared_; }

 private:
  TypeRef element() const { return declared_ ? declared_->params[0] : &types::dyn; }
  const codec::Value::Array& array_;
  TypeRef declared_;
};

class DocumentMap final : public Map {
 public:
  DocumentMap(const codec::Value::Object& object, TypeRef value_type) : object_(object), value_type_(value_type) {}
  std::size_t size() const override { return object_.size(); }
  std::optional<Value> find(const Value& key, Arena& arena) const override {
    if (!key.is(Value::Kind::String)) return std::nullopt;
    const codec::Value* found = object_.get(key.text());
    if (!found) return std::nullopt;
    return document_value(*found, value_type_, arena);
  }
  Value key_at(std::size_t i, Arena&) const override {
    return Value::of(std::string_view((object_.begin() + static_cast<std::ptrdiff_t>(i))->first));
  }
  Value value_at(std::size_t i, Arena& arena) const override {
    return document_value((object_.begin() + static_cast<std::ptrdiff_t>(i))->second, value_type_, arena);
  }

 private:
  const codec::Value::Object& object_;
  TypeRef value_type_;
};

// An object with declared fields: what else the document holds is not seen.
class DocumentObject final : public Map {
 public:
  DocumentObject(const codec::Value::Object& object, TypeRef type) : object_(object), type_(type) {}
  std::size_t size() const override { return object_.size(); }
  std::optional<Value> find(const Value& key, Arena& arena) const override {
    if (!key.is(Value::Kind::String)) return std::nullopt;
    const StructFields::Field field = type_->fields ? type_->fields->find(key.text()) : StructFields::Field{};
    if (!field.type) return std::nullopt;
    const codec::Value* found = object_.get(field.stored_name.empty() ? key.text() : field.stored_name);
    if (!found) return std::nullopt;
    return document_value(*found, field.type, arena);
  }
  Value key_at(std::size_t i, Arena&) const override {
    return Value::of(std::string_view((object_.begin() + static_cast<std::ptrdiff_t>(i))->first));
  }
  Value value_at(std::size_t i, Arena& arena) const override {
    const auto at = object_.begin() + static_cast<std::ptrdiff_t>(i);
    const StructFields::Field field = type_->fields ? type_->fields->find(at->first) : StructFields::Field{};
    return document_value(at->second, field.type ? field.type : &types::dyn, arena);
  }
  TypeRef object_type() const override { return type_; }

 private:
  const codec::Value::Object& object_;
  TypeRef type_;
};

Value text_value(std::string_view text, TypeRef declared, Arena& arena) {
  switch (declared->kind) {
    case TypeKind::Timestamp: {
      const bool date_only = text.size() == 10;
      const auto time = parse_timestamp(date_only ? std::string(text) + "T00:00:00Z" : std::string(text));
      return time ? Value::of(*time) : Value::error(arena, "Invalid date-time string " + std::string(text));
    }
    case TypeKind::Duration: {
      const auto nanos = parse_duration_text(text);
      return nanos ? Value::duration(*nanos) : Value::error(arena, "Invalid duration string " + std::string(text));
    }
    case TypeKind::Bytes: {
      const auto decoded = codec::decode_base64(text);
      return decoded ? Value::bytes(arena.copy(std::string_view(*decoded))) : Value::error(arena, "Invalid byte string " + std::string(text));
    }
    case TypeKind::String:
    case TypeKind::Dyn: return Value::of(text);
    default: return misfit(type_text(declared), arena);
  }
}

Value number_value(const codec::Value& document, TypeRef declared, Arena& arena) {
  switch (declared->kind) {
    case TypeKind::Dyn: return document.is_int() ? Value::of(document.as_int()) : Value::of(document.as_double());
    case TypeKind::Double: return Value::of(document.as_double());
    case TypeKind::Int: {
      if (document.is_int()) return Value::of(document.as_int());
      const double d = document.as_double();
      if (d == std::floor(d) && std::abs(d) < 9e18) return Value::of(static_cast<int64_t>(d));
      return misfit("integer", arena);
    }
    case TypeKind::Uint:
      if (document.is_int() && document.as_int() >= 0) return Value::of(static_cast<uint64_t>(document.as_int()));
      return misfit("uint", arena);
    default: return misfit(type_text(declared), arena);
  }
}

Value list_value(const codec::Value& document, TypeRef declared, Arena& arena) {
  if (declared->kind != TypeKind::List && declared->kind != TypeKind::Dyn) return misfit(type_text(declared), arena);
  return Value::of(*arena.make<DocumentList>(document.as_array(), declared->kind == TypeKind::List ? declared : nullptr));
}
Value map_value(const codec::Value& document, TypeRef declared, Arena& arena) {
  switch (declared->kind) {
    case TypeKind::Dyn: return Value::of(*arena.make<DocumentMap>(document.as_object(), &types::dyn));
    case TypeKind::Map: return Value::of(*arena.make<DocumentMap>(document.as_object(), declared->params[1]));
    case TypeKind::Struct: return Value::of(*arena.make<DocumentObject>(document.as_object(), declared));
    default: return misfit(type_text(declared), arena);
  }
}

}  // namespace

Value document_value(const codec::Value& document, TypeRef declared, Arena& arena) {
  switch (document.kind()) {
    case codec::Value::Kind::Null: return Value::null();
    case codec::Value::Kind::Bool:
      return declared->kind == TypeKind::Bool || declared->kind == TypeKind::Dyn ? Value::of(document.as_bool()) : misfit(type_text(declared), arena);
    case codec::Value::Kind::Int:
    case codec::Value::Kind::Double: return number_value(document, declared, arena);
    case codec::Value::Kind::String: return text_value(document.as_string(), declared, arena);
    case codec::Value::Kind::Array: return list_value(document, declared, arena);
    case codec::Value::Kind::Object: return map_value(document, declared, arena);
  }
  return Value::null();
}

namespace {

constexpr int written_depth_max = 200;
constexpr std::size_t written_max = 1'000'000;  // values; parts may be shared, so that a small one is large when it is written

class DocumentWriter {
 public:
  explicit DocumentWriter(Arena& arena) : arena_(arena) {}

  std::optional<std::string> write(const Value& v, codec::Value& out, int depth) {
    using Kind = Value::Kind;
    if (depth > written_depth_max || ++written_ > written_max || arena_.exhausted()) return "the value is nested too deep or too large";
    switch (v.kind()) {
      case Kind::Null: out = nullptr; return std::nullopt;
      case Kind::Bool: out = v.as_bool(); return std::nullopt;
      case Kind::Int: out = v.as_int(); return std::nullopt;
      case Kind::Uint:
        out = v.as_uint() <= INT64_MAX ? codec::Value(static_cast<int64_t>(v.as_uint())) : codec::Value(static_cast<double>(v.as_uint()));
        return std::nullopt;
      case Kind::Double: out = v.as_double(); return std::nullopt;
      case Kind::String: out = v.text(); return std::nullopt;
      case Kind::Bytes: out = codec::base64(v.text()); return std::nullopt;
      case Kind::Timestamp:
      case Kind::Duration: out = scalar_text(v); return std::nullopt;
      case Kind::List: return list(v.as_list(), out, depth);
      case Kind::Map: return map(v.as_map(), out, depth);
      case Kind::Error: return std::string(v.as_error().message);
      case Kind::Optional:
        return v.held() ? write(*v.held(), out, depth + 1) : std::optional<std::string>("optional.none() is no value of a document");
      default: return "a " + std::string(type_of(v).name) + " is no value of a document";
    }
  }

 private:
  std::optional<std::string> list(const List& list, codec::Value& out, int depth) {
    codec::Value::Array array(list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      if (auto error = write(list.at(i, arena_), array[i], depth + 1)) return error;
    out = std::move(array);
    return std::nullopt;
  }
  std::optional<std::string> map(const Map& map, codec::Value& out, int depth) {
    codec::Value::Object object;
    for (std::size_t i = 0; i < map.size(); ++i) {
      const Value key = map.key_at(i, arena_);
      if (!is_key(key)) return "a key of a document is a string";
      if (auto error = write(map.value_at(i, arena_), object[scalar_text(key)], depth + 1)) return error;
    }
    out = std::move(object);
    return std::nullopt;
  }
  Arena& arena_;
  std::size_t written_ = 0;
};

}  // namespace

std::optional<std::string> to_document(const Value& v, codec::Value& out, Arena& arena) { return DocumentWriter(arena).write(v, out, 0); }

namespace {

// Messages are for people: what is deep, long or large is cut.
constexpr int shown_depth_max = 4;
constexpr std::size_t shown_max = 20, shown_bytes_max = 2000;

std::string shown(const Value& v, Arena& arena, int depth) {
  switch (v.kind()) {
    case Value::Kind::List:
    case Value::Kind::Map: break;
    case Value::Kind::Type: return std::string(v.as_type().name);
    case Value::Kind::Error: return std::string(v.as_error().message);
    case Value::Kind::Optional:
      return v.held() ? depth > shown_depth_max ? "..." : "optional(" + shown(*v.held(), arena, depth + 1) + ")" : "optional.none()";
    case Value::Kind::Opaque: return std::string(v.as_opaque().type().name);
    default: return scalar_text(v);
  }
  if (depth > shown_depth_max) return "...";
  std::string text = v.is(Value::Kind::List) ? "[" : "{";
  const std::size_t size = size_of(v);
  for (std::size_t i = 0; i < size; ++i) {
    if (i > 0) text += ", ";
    if (i == shown_max || text.size() > shown_bytes_max) {
      text += "...";
      break;
    }
    if (v.is(Value::Kind::List)) {
      text += shown(v.as_list().at(i, arena), arena, depth + 1);
    } else {
      text += shown(v.as_map().key_at(i, arena), arena, depth + 1) + ": " + shown(v.as_map().value_at(i, arena), arena, depth + 1);
    }
  }
  return text + (v.is(Value::Kind::List) ? "]" : "}");
}

}  // namespace

std::string display(const Value& v, Arena& arena) { return shown(v, arena, 0); }

}  // namespace pintle::apimachinery::cel

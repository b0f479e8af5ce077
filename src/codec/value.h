// Value: a JSON document in memory. It carries custom resources, patches, apply configurations and managed fields.
// Numbers keep Go's distinction: an integer that fits is int64, anything else is a double. Objects keep their members
// sorted by name (the order in which Go writes a map); a duplicate key is the parser's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/flat_map.h"

namespace pintle::codec {

class Value {
 public:
  using Array = std::vector<Value>;
  using Object = FlatMap<Value>;
  enum class Kind : uint8_t { Null, Bool, Int, Double, String, Array, Object };

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool v) : data_(v) {}
  Value(int v) : data_(static_cast<int64_t>(v)) {}
  Value(int64_t v) : data_(v) {}
  Value(double v) : data_(v) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(Array v) : data_(std::move(v)) {}
  Value(Object v) : data_(std::move(v)) {}

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::Null; }
  bool is_bool() const { return kind() == Kind::Bool; }
  bool is_int() const { return kind() == Kind::Int; }
  bool is_double() const { return kind() == Kind::Double; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return kind() == Kind::String; }
  bool is_array() const { return kind() == Kind::Array; }
  bool is_object() const { return kind() == Kind::Object; }

  // The kind must be right (std::get; it throws, so ask first).
  bool as_bool() const { return std::get<bool>(data_); }
  int64_t as_int() const { return std::get<int64_t>(data_); }
  double as_double() const { return is_int() ? static_cast<double>(as_int()) : std::get<double>(data_); }
  const std::string& as_string() const { return std::get<std::string>(data_); }
  std::string& as_string() { return std::get<std::string>(data_); }
  const Array& as_array() const { return std::get<Array>(data_); }
  Array& as_array() { return std::get<Array>(data_); }
  const Object& as_object() const { return std::get<Object>(data_); }
  Object& as_object() { return std::get<Object>(data_); }

  // The member of an object, or nullptr if this is no object or has no such member.
  const Value* find(std::string_view key) const { return is_object() ? as_object().get(key) : nullptr; }
  Value* find(std::string_view key) { return is_object() ? as_object().get(key) : nullptr; }
  // The member of an object, made if absent; anything but an object becomes an empty object first.
  Value& operator[](std::string_view key) {
    if (!is_object()) data_ = Object{};
    return as_object()[key];
  }
  // The string member `key`, or "" if it is absent or no string.
  std::string_view string_at(std::string_view key) const {
    const Value* v = find(key);
    return v && v->is_string() ? std::string_view(v->as_string()) : std::string_view();
  }

  // Deep equality; 1 and 1.0 differ.
  bool operator==(const Value&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> data_;
};

}  // namespace pintle::codec

// Value: what an expression works on, 16 bytes, copied freely. It owns nothing: texts, lists, maps and the rest are borrowed from the
// program's constants, from the documents that were given to the evaluation, or from its Arena. So a result lives as long as those three.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apimachinery/cel/arena.h"
#include "apimachinery/cel/type.h"

namespace pintle::codec {
class Value;
}  // namespace pintle::codec
namespace pintle::api {
class Quantity;
struct Type;
struct GroupVersionKind;
}  // namespace pintle::api

namespace pintle::apimachinery::cel {

class List;
class Map;
class Opaque;
class Value;

// Why there is no value.
enum class Failure : uint8_t {
  Evaluation,   // the expression's own: no such key, divided by zero. && and || may absorb it
  CostLimit,    // "operation cancelled: actual cost limit exceeded"; nothing absorbs this and the next ones
  Memory,       // the arena is full
  Interrupted,  // the caller's `interrupted` said so
  Pending,      // an Authorizer has no answer yet; see authorizer.h
};
struct ErrorInfo {
  Failure failure = Failure::Evaluation;
  std::string_view message;
};

// Seconds and nanoseconds since 1970, of years 1 to 9999, and the offset of the zone that string() shows it in.
struct Timestamp {
  int64_t seconds = 0;
  uint32_t nanos = 0;
  int16_t zone_minutes = 0;
  bool operator==(const Timestamp& other) const { return seconds == other.seconds && nanos == other.nanos; }
  bool operator<(const Timestamp& other) const { return seconds != other.seconds ? seconds < other.seconds : nanos < other.nanos; }
};

class Value {
 public:
  enum class Kind : uint8_t { Absent, Error, Null, Bool, Int, Uint, Double, String, Bytes, Timestamp, Duration, List, Map, Opaque, Optional, Type };

  Value() = default;  // Absent: a variable that has no value in this evaluation
  static Value null() { return Value(Kind::Null); }
  static Value of(bool v) { return Value(Kind::Bool, static_cast<int64_t>(v)); }
  static Value of(int64_t v) { return Value(Kind::Int, v); }
  static Value of(int v) { return of(static_cast<int64_t>(v)); }
  static Value of(uint64_t v) { return Value(Kind::Uint, static_cast<int64_t>(v)); }
  static Value of(double v);
  static Value of(std::string_view v) { return Value(Kind::String, v); }  // must be UTF-8
  static Value of(const char* v) { return of(std::string_view(v)); }
  static Value bytes(std::string_view v) { return Value(Kind::Bytes, v); }
  static Value of(Timestamp v);
  static Value duration(int64_t nanos) { return Value(Kind::Duration, nanos); }
  static Value of(const List& v) { return Value(Kind::List, &v); }
  static Value of(const Map& v) { return Value(Kind::Map, &v); }
  static Value of(const Opaque& v) { return Value(Kind::Opaque, &v); }
  static Value of(const Type& v) { return Value(Kind::Type, &v); }
  static Value none() { return Value(Kind::Optional, nullptr); }
  static Value optional(Value held, Arena& arena);
  static Value error(const ErrorInfo& info) { return Value(Kind::Error, &info); }
  // An error of the expression; the message is copied.
  static Value error(Arena& arena, std::string_view message, Failure failure = Failure::Evaluation);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_error() const { return kind_ == Kind::Error; }
  bool is_true() const { return kind_ == Kind::Bool && number_ != 0; }
  bool is_false() const { return kind_ == Kind::Bool && number_ == 0; }

  // The kind must be right.
  bool as_bool() const { return number_ != 0; }
  int64_t as_int() const { return number_; }
  uint64_t as_uint() const { return static_cast<uint64_t>(number_); }
  double as_double() const { return double_; }
  std::string_view text() const { return {text_, extra_}; }  // String, Bytes
  Timestamp as_timestamp() const { return {number_, extra_, zone_minutes_}; }
  int64_t as_duration() const { return number_; }
  const List& as_list() const { return *list_; }
  const Map& as_map() const { return *map_; }
  const Opaque& as_opaque() const { return *opaque_; }
  const Type& as_type() const { return *type_; }
  const Value* held() const { return held_; }  // Optional: nullptr is none
  const ErrorInfo& as_error() const { return *error_; }

 private:
  explicit Value(Kind kind) : kind_(kind) {}
  Value(Kind kind, int64_t number) : kind_(kind), number_(number) {}
  Value(Kind kind, std::string_view text) : kind_(kind), extra_(static_cast<uint32_t>(text.size())), text_(text.data()) {}
  Value(Kind kind, const void* at) : kind_(kind), at_(at) {}

  Kind kind_ = Kind::Absent;
  int16_t zone_minutes_ = 0;
  uint32_t extra_ = 0;  // length of a text, nanoseconds of a timestamp
  union {
    int64_t number_ = 0;
    double double_;
    const char* text_;
    const List* list_;
    const Map* map_;
    const Opaque* opaque_;
    const Type* type_;
    const Value* held_;
    const ErrorInfo* error_;
    const void* at_;
  };
};
static_assert(sizeof(Value) == 16);

// Elements may be made on the way out; what they need besides the list goes into the arena.
class List {
 public:
  virtual std::size_t size() const = 0;
  virtual Value at(std::size_t i, Arena& arena) const = 0;  // i < size()
  // The declaration, where the list has one: how it compares and adds.
  virtual TypeRef declared() const { return nullptr; }

 protected:
  ~List() = default;
};

// A map, or an object: a map from the names of its fields whose type says so.
class Map {
 public:
  virtual std::size_t size() const = 0;
  // nullopt: there is none. A value may be an error: reading it failed.
  virtual std::optional<Value> find(const Value& key, Arena& arena) const = 0;
  // `key in map`: a map that answers for keys which it has not got says so here.
  virtual bool contains(const Value& key, Arena& arena) const { return find(key, arena).has_value(); }
  // The i-th in the map's own order, i < size().
  virtual Value key_at(std::size_t i, Arena& arena) const = 0;
  virtual Value value_at(std::size_t i, Arena& arena) const = 0;
  // The Struct type of an object; nullptr: a map.
  virtual TypeRef object_type() const { return nullptr; }

 protected:
  ~Map() = default;
};

// A value that only functions look into.
class Opaque {
 public:
  virtual const Type& type() const = 0;
  virtual bool equals(const Opaque& other) const = 0;  // of the same type()
  // For string formats and size-dependent costs; 1: has none.
  virtual uint64_t size() const { return 1; }

 protected:
  ~Opaque() = default;
};

// CEL's ==: numbers across their types, lists and maps by element, else false for different kinds. An error where an element is one.
Value equals(const Value& a, const Value& b, Arena& arena);
// The type that type(v) answers.
const Type& type_of(const Value& v);
// size() as costs count it: code points of a string, bytes, elements, entries; 1 for anything else.
uint64_t size_of(const Value& v);

// A list in the arena; `elements` are copied.
Value make_list(std::span<const Value> elements, Arena& arena);
struct Entry {
  Value key, value;
};
Value make_map(std::span<const Entry> entries, Arena& arena);  // keys must differ
// An object of a declared type, as Type{field: value} makes it.
Value make_object(TypeRef type, std::span<const Entry> fields, Arena& arena);

// A JSON document, read in place: it must outlive the value. Undeclared (dyn): numbers are int or double as the document holds them,
// objects are maps from string. Declared: fields by their declaration, "number" is double whatever the digits, texts become timestamps,
// durations and bytes where the type says so; what does not fit its type is an error when it is read.
Value document_value(const codec::Value& document, TypeRef declared, Arena& arena);
// An API object in memory, as its JSON would be read: what JSON leaves out is not there; quantities, times and bytes are strings. It must
// outlive the value, and so must `kind`, which gives it "kind" and "apiVersion".
Value object_value(const api::Type& type, const void* object, Arena& arena, const api::GroupVersionKind* kind = nullptr);

// What quantity(text) and semver(text) make; of a version that cannot be read, an error.
Value quantity_value(const api::Quantity& quantity, Arena& arena);
Value semver_value(std::string_view version, Arena& arena);

// The way back: null, numbers, strings, lists, maps and objects; timestamps, durations and bytes as JSON writes them. An error text otherwise.
std::optional<std::string> to_document(const Value& v, codec::Value& out, Arena& arena);
// For messages: a string as it is, other scalars as string() converts them.
std::string display(const Value& v, Arena& arena);

}  // namespace pintle::apimachinery::cel

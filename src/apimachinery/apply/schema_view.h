// SchemaView: what apply must know of a schema to say who owns what: which lists merge by key, which values are atomic.
// TypeSchema reads it from a descriptor; custom resources bring their own from their definition.
#pragma once

#include <span>
#include <string_view>

#include "api/type.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// How a value is owned.
enum class Shape : uint8_t {
  Leaf,       // as a whole: scalars, atomic lists, maps and structs
  Object,     // member by member
  KeyedList,  // element by element, which are told apart by some of their members
  SetList,    // element by element, which are scalars
  Deduced,    // no schema: objects member by member, everything else as a whole
};

// What a value must be at a place, as far as an applied configuration is held to it; null is allowed everywhere.
enum class Holds : uint8_t { Anything, String, Number, Boolean, List, Map };

// A place in a schema. What the pointers mean is the schema's own affair.
struct SchemaNode {
  const void* type = nullptr;
  const void* use = nullptr;
};

class SchemaView {
 public:
  virtual ~SchemaView() = default;
  virtual SchemaNode root() const = 0;
  // An object nobody has written to: what it holds is owned by nobody.
  virtual codec::Value empty_object() const { return codec::Value::Object{}; }
  virtual Shape shape(SchemaNode node) const = 0;
  virtual Holds holds(SchemaNode node) const = 0;
  // Whether a Map may have members that the schema does not name.
  virtual bool open(SchemaNode object) const = 0;
  // Of an Object. `named` tells whether the schema names the member (a field) or not (a map's key).
  virtual SchemaNode member(SchemaNode object, std::string_view name, bool& named) const = 0;
  // Of a KeyedList or SetList.
  virtual SchemaNode element(SchemaNode list) const = 0;
  // Of a KeyedList: sorted by name.
  virtual std::span<const std::string_view> keys(SchemaNode list) const = 0;
  // What an element without that key is taken to have; Null: nothing.
  virtual codec::Value key_default(SchemaNode list, std::string_view key) const = 0;
};

// A SchemaView over a descriptor. `type` lives for ever.
class TypeSchema final : public SchemaView {
 public:
  explicit TypeSchema(const api::Type& type) : type_(&type) {}
  SchemaNode root() const override { return {type_, nullptr}; }
  codec::Value empty_object() const override;
  Shape shape(SchemaNode node) const override;
  Holds holds(SchemaNode node) const override;
  bool open(SchemaNode object) const override;
  SchemaNode member(SchemaNode object, std::string_view name, bool& named) const override;
  SchemaNode element(SchemaNode list) const override;
  std::span<const std::string_view> keys(SchemaNode list) const override;
  codec::Value key_default(SchemaNode list, std::string_view key) const override;

 private:
  const api::Type* type_;
};

// How a value of `type`, held by `field` (nullptr: an element), is owned.
Shape shape_of(const api::Type& type, const api::Field* field);
// Through Optional and Box.
const api::Type& pointee(const api::Type& type);

}  // namespace pintle::apimachinery

// Types of CEL: what the checker reckons with, and what a driver reads a document by. Immutable; a Type is compared with same_type(), never
// by address. Those without parameters live for ever; the others as long as the TypePool that made them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::apimachinery::cel {

enum class TypeKind : uint8_t {
  Error,  // of an expression that has no type: it was reported already
  Dyn,
  Null,
  Bool,
  Int,
  Uint,
  Double,
  String,
  Bytes,
  Timestamp,
  Duration,
  List,    // params: element
  Map,     // params: key, value
  Struct,  // a name and fields
  Opaque,  // a name, and parameters: optional_type(T), net.IP, kubernetes.Quantity ...
  Type,    // the type of a type
  Param,   // A variable of an overload's signature
};

// How Kubernetes compares and adds lists (x-kubernetes-list-type): sets and maps without order, a map's elements by their keys.
enum class ListSemantics : uint8_t { Atomic, Set, Map };

class StructFields;
struct Type;
using TypeRef = const Type*;

constexpr uint64_t size_unknown = UINT64_MAX;

struct Type {
  TypeKind kind = TypeKind::Dyn;
  bool nullable = false;  // a protobuf wrapper: null fits too; written wrapper(int)
  std::string_view name;  // as type() shows it: "int", "list", "google.protobuf.Timestamp", "kubernetes.Quantity"
  std::vector<TypeRef> params = {};
  const StructFields* fields = nullptr;  // Struct: which it has
  // What a declaration knows beyond the type; it takes no part in comparisons.
  uint64_t size_max = size_unknown;  // maxLength, maxItems, maxProperties: for the cost estimate
  ListSemantics semantics = ListSemantics::Atomic;
  std::vector<std::string> list_keys = {};  // ListSemantics::Map
};

// The fields of a struct type. An implementation outlives every Environment and Program that uses it.
class StructFields {
 public:
  struct Field {
    TypeRef type = nullptr;
    std::string_view stored_name;  // under which a document holds it, where CEL's name is an escaped one (__namespace__); "": the same
  };
  // nullptr type: there is no such field.
  virtual Field find(std::string_view field) const = 0;

 protected:
  ~StructFields() = default;
};

// A struct type whose fields are listed.
class FieldList final : public StructFields {
 public:
  // Names are copied. A field named twice keeps its first type.
  void add(std::string_view field, TypeRef type, std::string_view stored_name = {});
  Field find(std::string_view field) const override;

 private:
  struct Entry {
    std::string name, stored_name;
    TypeRef type;
  };
  std::deque<Entry> entries_;  // in order of their addition; looked up through `order_`
  std::vector<const Entry*> order_;
};

namespace types {
extern const Type error, dyn, null, boolean, integer, uinteger, floating, string, bytes, timestamp, duration, type;
extern const Type wrapped_bool, wrapped_int, wrapped_uint, wrapped_double, wrapped_string, wrapped_bytes;
extern const Type list_dyn, list_string, map_string_dyn;
// Kubernetes' own.
extern const Type quantity, ip, cidr, url, semver, format;
extern const Type authorizer, path_check, group_check, resource_check, decision;
}  // namespace types

// Owner of the types that are composed while something is declared or checked. Addresses are stable.
class TypePool {
 public:
  TypePool() = default;
  TypePool(const TypePool&) = delete;
  TypePool& operator=(const TypePool&) = delete;

  TypeRef list(TypeRef element);
  TypeRef map(TypeRef key, TypeRef value);
  TypeRef optional(TypeRef value);
  TypeRef type_of(TypeRef type);  // type(int)
  TypeRef param(std::string name);
  TypeRef structure(std::string name, const StructFields* fields);
  // Any other, to be changed before it is used: sizes, semantics of lists, parameters of own opaque types.
  Type& add(Type type);
  std::string_view text(std::string text);  // a name that lives as long as the pool
  // What types of this pool refer to, another pool or fields, lives as long as this one.
  void keep(std::shared_ptr<const void> other) { kept_.push_back(std::move(other)); }

 private:
  std::deque<Type> types_;
  std::deque<std::string> texts_;
  std::vector<std::shared_ptr<const void>> kept_;
};

// Same kind, name and parameters.
bool same_type(TypeRef a, TypeRef b);
bool is_optional(TypeRef type);
// As errors show it: "map(string, list(int))", "optional_type(dyn)", "!error!".
std::string type_text(TypeRef type);

}  // namespace pintle::apimachinery::cel

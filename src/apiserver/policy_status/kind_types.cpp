#include "apiserver/policy_status/kind_types.h"

#include <algorithm>

#include "api/gen/meta_v1.h"

namespace pintle::apiserver::policy_status {

namespace cel = apimachinery::cel;
namespace schema = apimachinery::schema;
namespace types = cel::types;
using cel::TypeRef;

namespace {

// A name that CEL reserves may be written __name__.
std::string_view unescaped(std::string_view field) {
  if (field.size() > 4 && field.starts_with("__") && field.ends_with("__")) return field.substr(2, field.size() - 4);
  return field;
}

TypeRef text_type(const schema::Node& node) {
  const std::string_view format = node.restrictions ? node.restrictions->format : std::string_view();
  if (format == "byte") return &types::bytes;
  if (format == "duration") return &types::duration;
  if (format == "date" || format == "date-time" || format == "datetime") return &types::timestamp;
  return &types::string;
}

}  // namespace

// Fields are made as they are asked for: kinds are large, and expressions name little of them.
class KindTypes::TypedFields final : public cel::StructFields {
 public:
  TypedFields(KindTypes& all, const api::Type& type, std::string name, Around around, bool root)
      : all_(all), type_(type), name_(std::move(name)), around_(std::move(around)), root_(root) {}
  Field find(std::string_view field) const override {
    if (root_ && (field == "apiVersion" || field == "kind")) return {&types::string, {}};
    const auto known = known_.find(field);
    if (known != known_.end()) return {known->second, {}};
    const api::Field* declared = type_.find_field(field);
    if (!declared) declared = type_.find_field(unescaped(field));
    const TypeRef made = declared ? all_.value_type(*declared->type, name_ + "." + std::string(declared->name), around_) : nullptr;
    known_.emplace(std::string(field), made);
    return {made, {}};
  }

 private:
  KindTypes& all_;
  const api::Type& type_;
  const std::string name_;
  const Around around_;
  const bool root_;
  mutable std::map<std::string, TypeRef, std::less<>> known_;
};

class KindTypes::DeclaredFields final : public cel::StructFields {
 public:
  DeclaredFields(KindTypes& all, const schema::Node& node, std::string name, bool root)
      : all_(all), node_(node), name_(std::move(name)), root_(root) {}
  Field find(std::string_view field) const override {
    if (root_ && (field == "apiVersion" || field == "kind")) return {&types::string, {}};
    const auto known = known_.find(field);
    if (known != known_.end()) return {known->second, {}};
    TypeRef made = nullptr;
    if (root_ && field == "metadata") {
      made = all_.struct_type(api::type_of<api::meta_v1::ObjectMeta>(), name_ + ".metadata", {}, false);
    } else {
      const schema::Node* declared = node_.property(field);
      if (!declared) declared = node_.property(unescaped(field));
      if (declared) made = all_.value_type(*declared, name_ + "." + std::string(unescaped(field)), declared->embedded_resource);
    }
    known_.emplace(std::string(field), made);
    return {made, {}};
  }

 private:
  KindTypes& all_;
  const schema::Node& node_;
  const std::string name_;
  const bool root_;
  mutable std::map<std::string, TypeRef, std::less<>> known_;
};

KindTypes::KindTypes() = default;
KindTypes::~KindTypes() = default;

TypeRef KindTypes::of(const api::Type& type, std::string_view kind) { return struct_type(type, std::string(kind), {}, true); }
TypeRef KindTypes::of(const schema::Node& root, std::string_view kind) { return value_type(root, std::string(kind), true); }

TypeRef KindTypes::struct_type(const api::Type& type, const std::string& name, const Around& around, bool root) {
  static const api::Type nothing;
  const bool within_itself = std::ranges::find(around, &type) != around.end();
  Around inner = around;
  inner.push_back(&type);
  const auto& fields = typed_.emplace_back(std::make_unique<TypedFields>(*this, within_itself ? nothing : type, name, std::move(inner), root));
  return pool_.structure(name, fields.get());
}

TypeRef KindTypes::value_type(const api::Type& type, const std::string& name, const Around& around) {
  switch (type.kind) {
    case api::Kind::Bool: return &types::boolean;
    case api::Kind::Int32:
    case api::Kind::Int64:
    case api::Kind::Uint64: return &types::integer;
    case api::Kind::Float32:
    case api::Kind::Float64: return &types::floating;
    case api::Kind::String:
    case api::Kind::Duration: return &types::string;
    case api::Kind::Bytes: return &types::bytes;
    case api::Kind::Time:
    case api::Kind::MicroTime: return &types::timestamp;
    case api::Kind::IntOrString: return &types::dyn;
    case api::Kind::Struct:
    case api::Kind::FieldsV1:
    case api::Kind::RawExtension: return struct_type(type, name, around, false);
    case api::Kind::Optional:
    case api::Kind::Box: return value_type(*type.elem, name, around);
    case api::Kind::List: {
      const TypeRef element = value_type(*type.elem, name + ".@idx", around);
      return element ? pool_.list(element) : nullptr;
    }
    case api::Kind::Map: {
      const TypeRef element = value_type(*type.elem, name + ".@elem", around);
      return element ? pool_.map(&types::string, element) : nullptr;
    }
    case api::Kind::Quantity:
    case api::Kind::Json:
    case api::Kind::Union: return nullptr;
  }
  return nullptr;
}

TypeRef KindTypes::value_type(const schema::Node& node, const std::string& name, bool root) {
  if (node.int_or_string) return &types::dyn;
  switch (node.type) {
    case schema::ValueType::Any: return nullptr;
    case schema::ValueType::Boolean: return &types::boolean;
    case schema::ValueType::Integer: return &types::integer;
    case schema::ValueType::Number: return &types::floating;
    case schema::ValueType::String: return text_type(node);
    case schema::ValueType::Array: {
      const TypeRef element = node.items ? value_type(*node.items, name + ".@idx", node.items->embedded_resource) : nullptr;
      return element ? pool_.list(element) : nullptr;
    }
    case schema::ValueType::Object: break;
  }
  if (node.additional && !root) {
    const TypeRef element = value_type(*node.additional, name + ".@elem", node.additional->embedded_resource);
    return element ? pool_.map(&types::string, element) : nullptr;
  }
  const auto& fields = declared_.emplace_back(std::make_unique<DeclaredFields>(*this, node, name, root));
  return pool_.structure(name, fields.get());
}

}  // namespace pintle::apiserver::policy_status

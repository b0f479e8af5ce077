#include "apimachinery/schema/structural_view.h"

#include "api/gen/meta_v1.h"

namespace pintle::apimachinery::schema {
namespace {

// What `use` of a place in a structural schema points at; a place in ObjectMeta has TypeSchema's own, and what is not declared has none.
constexpr char tags[3] = {};
constexpr const void* structural = &tags[0];
constexpr const void* structural_root = &tags[1];
constexpr const void* structural_open = &tags[2];  // below a place that preserves unknown fields: nothing is unknown there

const Node* node_of(SchemaNode place) {
  return place.use == structural || place.use == structural_root || place.use == structural_open ? static_cast<const Node*>(place.type) : nullptr;
}
bool preserves(SchemaNode place) { return place.use == structural_open || node_of(place)->preserve_unknown; }
// A place below `parent`.
SchemaNode place_of(const Node* node, SchemaNode parent) {
  return node ? SchemaNode{node, preserves(parent) ? structural_open : structural} : SchemaNode();
}

// Of a text; ObjectMeta's name is one.
SchemaNode text_place() { return {api::type_of<api::meta_v1::ObjectMeta>().find_field("name")->type, nullptr}; }

}  // namespace

StructuralView::StructuralView(std::shared_ptr<const StructuralSchema> schema)
    : schema_(std::move(schema)), metadata_(api::type_of<api::meta_v1::ObjectMeta>()) {}

SchemaNode StructuralView::root() const { return {&schema_->root(), structural_root}; }

codec::Value StructuralView::empty_object() const { return codec::Value::Object{}; }

Shape StructuralView::shape(SchemaNode place) const {
  const Node* node = node_of(place);
  if (node == nullptr) return metadata_.shape(place);
  switch (node->type) {
    case ValueType::Object: return node->map_type == MapType::Atomic ? Shape::Leaf : Shape::Object;
    case ValueType::Array:
      if (node->list_type == ListType::Map && !node->list_map_keys().empty()) return Shape::KeyedList;
      return node->list_type == ListType::Set ? Shape::SetList : Shape::Leaf;
    case ValueType::Any: return node->int_or_string ? Shape::Leaf : Shape::Deduced;
    default: return Shape::Leaf;
  }
}

Holds StructuralView::holds(SchemaNode place) const {
  const Node* node = node_of(place);
  if (node == nullptr) return metadata_.holds(place);
  switch (node->type) {
    case ValueType::Any: return Holds::Anything;
    case ValueType::Object: return Holds::Map;
    case ValueType::Array: return Holds::List;
    case ValueType::String: return Holds::String;
    case ValueType::Integer:
    case ValueType::Number: return Holds::Number;
    case ValueType::Boolean: return Holds::Boolean;
  }
  return Holds::Anything;
}

bool StructuralView::open(SchemaNode place) const {
  const Node* node = node_of(place);
  if (node == nullptr) return metadata_.open(place);
  const bool says_nothing = node->properties.empty() && !node->has_additional && place.use != structural_root && !node->embedded_resource;
  return preserves(place) || node->allows_additional || says_nothing;
}

SchemaNode StructuralView::member(SchemaNode object, std::string_view name, bool& named) const {
  const Node* node = node_of(object);
  if (node == nullptr) return metadata_.member(object, name, named);
  named = true;
  if (name == "metadata" && (object.use == structural_root || node->embedded_resource)) return metadata_.root();
  if (const Node* declared = node->property(name)) return place_of(declared, object);
  // As in every object: names that ObjectMeta's neighbours have, whatever the schema says.
  if ((name == "apiVersion" || name == "kind") && (object.use == structural_root || node->embedded_resource)) return text_place();
  named = false;
  return place_of(node->additional, object);
}

SchemaNode StructuralView::element(SchemaNode list) const {
  const Node* node = node_of(list);
  return node ? place_of(node->items, list) : metadata_.element(list);
}

std::span<const std::string_view> StructuralView::keys(SchemaNode list) const {
  const Node* node = node_of(list);
  if (node == nullptr) return metadata_.keys(list);
  return node->extras ? node->extras->sorted_list_map_keys : std::span<const std::string_view>();
}

codec::Value StructuralView::key_default(SchemaNode list, std::string_view key) const {
  const Node* node = node_of(list);
  if (node == nullptr) return metadata_.key_default(list, key);
  const Node* declared = node->items ? node->items->property(key) : nullptr;
  return declared && declared->default_value ? *declared->default_value : codec::Value();
}

}  // namespace pintle::apimachinery::schema

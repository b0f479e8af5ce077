#include "apimachinery/schema/prune.h"

#include <algorithm>

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

bool is_meta_field(std::string_view name) { return name == "apiVersion" || name == "kind" || name == "metadata"; }

class Pruner {
 public:
  explicit Pruner(std::vector<std::string>* pruned) : pruned_(pruned) {}

  // `embedded`: the value is an object of its own.
  void prune(Value& value, const Node* schema, bool embedded) {
    if (value.is_array()) return prune_items(value.as_array(), schema);
    if (!value.is_object()) return;
    const bool keeps = schema != nullptr && schema->preserve_unknown;
    Value::Object& object = value.as_object();
    // Most objects lose nothing: members are moved only behind the first that goes.
    Value::Object kept;
    bool moved = false;
    std::size_t i = 0;
    for (auto& [name, member] : object) {
      const bool stays = visit_member(name, member, schema, embedded, keeps);
      if (!stays && !moved) {
        moved = true;
        kept.reserve(object.size() - 1);
        for (std::size_t j = 0; j < i; ++j) take(object, j, kept);
      }
      if (!stays) record(name);
      if (stays && moved) take(object, i, kept);
      ++i;
    }
    if (moved) object = std::move(kept);
  }

 private:
  static void take(Value::Object& from, std::size_t i, Value::Object& to) {
    auto& [name, member] = *(from.begin() + static_cast<std::ptrdiff_t>(i));
    to.append(name) = std::move(member);
  }

  // Whether the member stays.
  bool visit_member(std::string_view name, Value& member, const Node* schema, bool embedded, bool keeps) {
    if (schema == nullptr) return embedded && is_meta_field(name);
    if (embedded && is_meta_field(name)) return true;
    const Node* declared = schema->property(name);
    if (declared == nullptr) {
      // additionalProperties without a schema declare the member, but nothing in it.
      if (!schema->has_additional) return keeps;
      declared = schema->additional;
    }
    const std::size_t length = enter(name);
    prune(member, declared, declared != nullptr && declared->embedded_resource);
    leave(length);
    return true;
  }

  void prune_items(Value::Array& items, const Node* schema) {
    const bool keeps = schema != nullptr && schema->preserve_unknown;
    const Node* declared = schema ? schema->items : nullptr;
    if (keeps && declared == nullptr) return;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::size_t length = enter(i);
      keeps ? prune_kept(items[i], *declared) : prune(items[i], declared, declared != nullptr && declared->embedded_resource);
      leave(length);
    }
  }
  // An item of a list that keeps what it does not know: the item's own schema takes nothing out of it, those below do.
  void prune_kept(Value& value, const Node& schema) {
    if (schema.preserve_unknown) return prune(value, &schema, schema.embedded_resource);
    if (value.is_array()) {
      if (schema.items == nullptr) return;
      for (std::size_t i = 0; i < value.as_array().size(); ++i) {
        const std::size_t length = enter(i);
        prune_kept(value.as_array()[i], *schema.items);
        leave(length);
      }
    } else if (value.is_object()) {
      for (auto& [name, member] : value.as_object()) (void)visit_member(name, member, &schema, schema.embedded_resource, true);
    }
  }

  std::size_t enter(std::string_view name) {
    const std::size_t length = path_.size();
    if (pruned_ == nullptr) return length;
    if (!path_.empty()) path_ += '.';
    path_ += name;
    return length;
  }
  std::size_t enter(std::size_t index) {
    const std::size_t length = path_.size();
    if (pruned_ != nullptr) path_ += '[' + std::to_string(index) + ']';
    return length;
  }
  void leave(std::size_t length) { path_.resize(length); }

  void record(std::string_view name) {
    if (pruned_ == nullptr || (path_.empty() && is_meta_field(name))) return;
    if (recorded_ == pruned_paths_max || recorded_bytes_ > pruned_paths_bytes_max) return;
    const std::size_t length = enter(name);
    ++recorded_;
    recorded_bytes_ += path_.size();
    pruned_->push_back(path_);
    leave(length);
  }

  std::vector<std::string>* pruned_;
  std::string path_;
  std::size_t recorded_ = 0, recorded_bytes_ = 0;
};

bool is_unwanted_null(const Value& value, const Node* schema, Nulls dropped) {
  if (!value.is_null() || schema == nullptr || schema->nullable || schema->default_value != nullptr) return false;
  return dropped == Nulls::All || (schema->type == ValueType::Any && !schema->int_or_string);
}

}  // namespace

void prune(Value& value, const Node* schema, Position position, std::vector<std::string>* pruned) {
  const std::size_t before = pruned ? pruned->size() : 0;
  Pruner(pruned).prune(value, schema, position == Position::Root || (schema != nullptr && schema->embedded_resource));
  if (pruned) std::sort(pruned->begin() + static_cast<std::ptrdiff_t>(before), pruned->end());
}

void drop_nulls(Value& value, const Node* schema, Nulls dropped) {
  if (schema == nullptr) return;
  if (value.is_array()) {
    for (Value& item : value.as_array()) drop_nulls(item, schema->items, dropped);
    return;
  }
  if (!value.is_object()) return;
  Value::Object& object = value.as_object();
  bool any = false;
  for (auto& [name, member] : object) {
    const Node* declared = schema->member(name);
    any = any || is_unwanted_null(member, declared, dropped);
    drop_nulls(member, declared, dropped);
  }
  if (!any) return;
  Value::Object kept;
  for (auto& [name, member] : object)
    if (!is_unwanted_null(member, schema->member(name), dropped)) kept.append(name) = std::move(member);
  object = std::move(kept);
}

}  // namespace pintle::apimachinery::schema

#include "apimachinery/apply/walk.h"

namespace pintle::apimachinery {
namespace {

struct Collected {
  FieldSet below;
  bool self = false;
};

Collected collect_at(const ValueCursor& at, const FieldSet* excluded);

Collected collect_members(const ValueCursor& object, const FieldSet* excluded) {
  Collected result;
  for (const auto& [name, value] : object.value().as_object()) {
    std::string element = path_element::field(name);
    const FieldSet::Node* node = excluded ? excluded->find(element) : nullptr;
    if (node && node->member) continue;
    bool named = false;
    const ValueCursor member = object.member(name, value, &named);
    Collected child = collect_at(member, node ? &node->children : nullptr);
    const bool hollow = value.is_null() || (value.is_object() && value.as_object().empty());
    result.below.append(std::move(element), child.self || hollow || !named, std::move(child.below));
  }
  return result;
}

Collected collect_elements(const ValueCursor& list) {
  Collected result;
  for (auto& [key, item] : walk_detail::keyed_elements(&list)) {
    Collected child = collect_at(item, nullptr);
    result.below.append(std::move(key), true, std::move(child.below));
  }
  result.below.sort();  // makes one of elements that come twice
  return result;
}

Collected collect_at(const ValueCursor& at, const FieldSet* excluded) {
  const Shape shape = at.shape();
  if (shape == Shape::Leaf) return {{}, true};
  if (at.null()) return {};
  return shape == Shape::Object ? collect_members(at, excluded) : collect_elements(at);
}

}  // namespace

FieldSet collect(const ValueCursor& document, const FieldSet* excluded) { return collect_at(document, excluded).below; }

}  // namespace pintle::apimachinery

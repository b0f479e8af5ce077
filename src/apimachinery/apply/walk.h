// The two walks that apply is made of, over any cursor (typed_cursor.h, value_cursor.h):
//   compare: what changed from one object to another, what was removed;
//   collect: which fields an object states.
// The rules are those of upstream's structured merge: an empty list or map counts as a leaf on both sides at once; a
// container that appears is itself added; an element that comes twice is owned as a whole.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/path_element.h"
#include "apimachinery/apply/schema_view.h"
#include "apimachinery/apply/value_cursor.h"

namespace pintle::apimachinery {

struct Changes {
  FieldSet changed;  // added or modified
  FieldSet removed;
  bool self_changed = false;  // the place itself
  bool self_removed = false;
  bool any() const { return self_changed || self_removed || !changed.empty() || !removed.empty(); }
};

namespace walk_detail {

template <class C>
struct Keyed {
  std::string key;
  C cursor;
};

// A list's elements by path element, in its order.
template <class C>
std::vector<Keyed<C>> keyed_elements(const C* list) {
  std::vector<Keyed<C>> elements;
  if (list == nullptr || list->null()) return elements;
  const std::size_t n = list->size();
  elements.reserve(n);
  for (std::size_t i = 0; i < n; ++i) elements.push_back({list->element_key(i), list->element(i)});
  std::ranges::stable_sort(elements, {}, &Keyed<C>::key);
  return elements;
}

template <class C>
Changes compare(const C* a, const C* b, const FieldSet* excluded);

template <class C>
void add_child(Changes& parent, std::string element, Changes child) {
  const bool both = (child.self_changed || !child.changed.empty()) && (child.self_removed || !child.removed.empty());
  std::string copy = both ? element : std::string();
  parent.changed.append(both ? std::move(copy) : element, child.self_changed, std::move(child.changed));
  parent.removed.append(std::move(element), child.self_removed, std::move(child.removed));
}

template <class C>
void compare_members(const C* a, const C* b, const FieldSet* excluded, Changes& changes) {
  C::visit_pairs(a, b, [&](std::string_view name, const C* left, const C* right) {
    const FieldSet* below = nullptr;
    if (excluded != nullptr) {
      if (const FieldSet::Node* node = excluded->find(path_element::field(name))) {
        if (node->member) return;
        below = &node->children;
      }
    }
    Changes child = compare<C>(left, right, below);
    if (child.any()) add_child<C>(changes, path_element::field(name), std::move(child));
  });
}

template <class C>
void compare_elements(const C* a, const C* b, Changes& changes) {
  auto left = keyed_elements(a);
  auto right = keyed_elements(b);
  for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    const bool from_left = i < left.size() && (j == right.size() || left[i].key <= right[j].key);
    std::string key = from_left ? left[i].key : right[j].key;
    std::size_t left_end = i, right_end = j;
    while (left_end < left.size() && left[left_end].key == key) ++left_end;
    while (right_end < right.size() && right[right_end].key == key) ++right_end;
    const std::size_t n = left_end - i, m = right_end - j;
    Changes child;
    if (n <= 1 && m <= 1) {
      child = compare<C>(n ? &left[i].cursor : nullptr, m ? &right[j].cursor : nullptr, nullptr);
    } else if (n >= 2 && m >= 2) {
      bool same = n == m;
      for (std::size_t k = 0; same && k < n; ++k) same = left[i + k].cursor.equals(right[j + k].cursor);
      child.self_changed = !same;
    } else if (n >= 2) {
      if (m == 1) child = compare<C>(nullptr, &right[j].cursor, nullptr);
      child.self_removed = true;
    } else {
      if (n == 1) child = compare<C>(&left[i].cursor, nullptr, nullptr);
      child.self_changed = true;
    }
    if (child.any()) add_child<C>(changes, std::move(key), std::move(child));
    i = left_end;
    j = right_end;
  }
}

template <class C>
Changes compare(const C* a, const C* b, const FieldSet* excluded) {
  Changes changes;
  const Shape left = a ? a->shape() : b->shape();
  const Shape right = b ? b->shape() : left;
  const bool empty = (!a || a->size() == 0) && (!b || b->size() == 0);
  if (left == Shape::Leaf || right == Shape::Leaf || empty) {
    if (left != right) {  // an object became a scalar, or the other way: what was below comes and goes too
      const C* object = left == Shape::Leaf ? b : a;
      Changes below = left == Shape::Leaf ? compare<C>(nullptr, object, nullptr) : compare<C>(object, nullptr, nullptr);
      changes = std::move(below);
      changes.self_removed = false;
      changes.self_changed = true;
    } else if (!a) {
      changes.self_changed = true;
    } else if (!b) {
      changes.self_removed = true;
    } else {
      changes.self_changed = !a->equals(*b);
    }
    return changes;
  }
  if (left == Shape::Object) {
    compare_members(a, b, excluded, changes);
  } else {
    compare_elements(a, b, changes);
  }
  changes.changed.sort();
  changes.removed.sort();
  changes.self_changed = a == nullptr;
  changes.self_removed = b == nullptr;
  return changes;
}

}  // namespace walk_detail

// From `a` to `b`. Members of `excluded` and what lies below them are not looked at.
template <class C>
Changes compare(const C& a, const C& b, const FieldSet* excluded = nullptr) {
  return walk_detail::compare<C>(&a, &b, excluded);
}

// The fields that a document states: its leaves, the elements of its lists, the keys of its maps.
FieldSet collect(const ValueCursor& document, const FieldSet* excluded = nullptr);

}  // namespace pintle::apimachinery

#include "apimachinery/patch/element_order.h"

#include <algorithm>

namespace pintle::apimachinery {
namespace {

using codec::Value;
using Array = Value::Array;

// Where `item` stands in `list`; its size if it does not.
std::size_t position(const Array& list, const Value& item, std::string_view merge_key) {
  const auto it = std::ranges::find_if(list, [&](const Value& other) { return same_element(item, other, merge_key); });
  return static_cast<std::size_t>(it - list.begin());
}

struct Placed {
  std::size_t at;
  Value item;
};

// Sorts by place; elements without one come last, as they were.
void sort_by_place(std::vector<Placed>& items) { std::ranges::stable_sort(items, {}, &Placed::at); }

}  // namespace

bool same_element(const Value& a, const Value& b, std::string_view merge_key) {
  if (merge_key.empty()) return a == b;
  const Value* left = a.find(merge_key);
  const Value* right = b.find(merge_key);
  return left && right && *left == *right;
}

Array order_elements(Array items, const Array& patch_order, const Array& server_order, std::string_view merge_key) {
  std::vector<Placed> patched;
  std::vector<Placed> others;
  for (Value& item : items) {
    const std::size_t at = position(patch_order, item, merge_key);
    if (at < patch_order.size()) {
      patched.push_back({at, std::move(item)});
    } else {
      const std::size_t place = position(server_order, item, merge_key);
      others.push_back({place, std::move(item)});
    }
  }
  sort_by_place(patched);
  sort_by_place(others);

  Array ordered;
  ordered.reserve(patched.size() + others.size());
  auto other = others.begin();
  for (Placed& item : patched) {
    const std::size_t place = position(server_order, item.item, merge_key);
    if (place < server_order.size())
      for (; other != others.end() && other->at < place; ++other) ordered.push_back(std::move(other->item));
    ordered.push_back(std::move(item.item));
  }
  for (; other != others.end(); ++other) ordered.push_back(std::move(other->item));
  return ordered;
}

Array merge_scalars(const Array& a, const Array& b) {
  Array merged;
  for (const Array* list : {&a, &b})
    for (const Value& item : *list)
      if (std::ranges::find(merged, item) == merged.end()) merged.push_back(item);
  return merged;
}

}  // namespace pintle::apimachinery

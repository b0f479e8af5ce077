#include "apimachinery/patch/element_order.h"

#include <algorithm>
#include <vector>

#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;
using Array = Value::Array;

constexpr std::size_t steps_an_element = 20;  // a key made, hashed and looked up (see work_budget.h)

struct Placed {
  std::size_t at;  // none: last
  Value item;
};

// Sorts by place; elements without one come last, as they were.
void sort_by_place(std::vector<Placed>& items) { std::ranges::stable_sort(items, {}, &Placed::at); }

}  // namespace

ElementIndex::ElementIndex(const Array& list, std::string_view merge_key) : merge_key_(merge_key) {
  places_.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) add(list[i], i);
}

bool ElementIndex::key_of(const Value& item, std::string& key) const {
  const Value* value = merge_key_.empty() ? &item : item.find(merge_key_);
  steps_ += steps_an_element;
  if (value == nullptr) return false;
  codec::append_json(*value, key);
  steps_ += key.size();
  return true;
}

std::size_t ElementIndex::find(const Value& item) const {
  std::string key;
  if (!key_of(item, key)) return none;
  const auto it = places_.find(key);
  return it == places_.end() ? none : it->second;
}

void ElementIndex::add(const Value& item, std::size_t at) {
  std::string key;
  if (key_of(item, key)) places_.try_emplace(std::move(key), at);
}

Array order_elements(Array items, const ElementIndex& in_patch, const ElementIndex& on_server) {
  std::vector<Placed> patched;
  std::vector<Placed> others;
  for (Value& item : items) {
    if (const std::size_t at = in_patch.find(item); at != ElementIndex::none) {
      patched.push_back({at, std::move(item)});
    } else {
      const std::size_t place = on_server.find(item);
      others.push_back({place, std::move(item)});
    }
  }
  sort_by_place(patched);
  sort_by_place(others);

  Array ordered;
  ordered.reserve(patched.size() + others.size());
  auto other = others.begin();
  for (Placed& item : patched) {
    const std::size_t place = on_server.find(item.item);
    if (place != ElementIndex::none)
      for (; other != others.end() && other->at < place; ++other) ordered.push_back(std::move(other->item));
    ordered.push_back(std::move(item.item));
  }
  for (; other != others.end(); ++other) ordered.push_back(std::move(other->item));
  return ordered;
}

Array merge_scalars(const Array& a, const Array& b) {
  Array merged;
  ElementIndex seen({}, {});
  for (const Array* list : {&a, &b})
    for (const Value& item : *list) {
      if (seen.find(item) != ElementIndex::none) continue;
      seen.add(item, merged.size());
      merged.push_back(item);
    }
  return merged;
}

}  // namespace pintle::apimachinery

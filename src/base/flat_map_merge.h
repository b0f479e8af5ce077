// Merging one FlatMap into another in time linear in both, where inserting the entries one by one would be quadratic.
#pragma once

#include <utility>

#include "base/flat_map.h"

namespace pintle {

// `into` gets the entries of `from`. Under a key that both have, `both(V& there, const V& other)` says what becomes of the one there.
template <class V, class Both>
void merge_maps(FlatMap<V>& into, const FlatMap<V>& from, Both&& both) {
  constexpr std::size_t in_place_max = 8;  // so few are done sooner one by one
  if (from.size() <= in_place_max) {
    for (const auto& [key, value] : from) {
      if (V* there = into.get(key))
        both(*there, value);
      else
        into[key] = value;
    }
    return;
  }
  FlatMap<V> merged;
  merged.reserve(into.size() + from.size());
  auto other = from.begin();
  for (auto& [key, value] : into) {
    for (; other != from.end() && other->first < key; ++other) merged.append(other->first) = other->second;
    V& kept = merged.append(key) = std::move(value);
    if (other != from.end() && other->first == key) both(kept, (other++)->second);
  }
  for (; other != from.end(); ++other) merged.append(other->first) = other->second;
  into = std::move(merged);
}

template <class V>
void add_missing(FlatMap<V>& into, const FlatMap<V>& from) {
  merge_maps(into, from, [](V&, const V&) {});
}

template <class V>
void add_or_replace(FlatMap<V>& into, const FlatMap<V>& from) {
  merge_maps(into, from, [](V& there, const V& other) { there = other; });
}

}  // namespace pintle

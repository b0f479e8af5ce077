// FlatMap<V>: a map from string to V kept as one vector sorted by key (bytewise), which is the order in which both the
// JSON and the protobuf encoding write a map. Look-up is by binary search; insertion moves the tail.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pintle {

template <class V>
class FlatMap {
 public:
  using value_type = std::pair<std::string, V>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  FlatMap() = default;
  FlatMap(std::initializer_list<value_type> init) {
    for (const auto& [k, v] : init) (*this)[k] = v;
  }

  iterator begin() { return items_.begin(); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin(); }
  const_iterator end() const { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  void clear() { items_.clear(); }
  void reserve(std::size_t n) { items_.reserve(n); }

  iterator find(std::string_view key) {
    auto it = lower(key);
    return it != items_.end() && it->first == key ? it : items_.end();
  }
  const_iterator find(std::string_view key) const { return const_cast<FlatMap*>(this)->find(key); }
  bool contains(std::string_view key) const { return find(key) != end(); }
  // The value under `key`, or nullptr.
  V* get(std::string_view key) {
    auto it = find(key);
    return it == end() ? nullptr : &it->second;
  }
  const V* get(std::string_view key) const { return const_cast<FlatMap*>(this)->get(key); }
  V& operator[](std::string_view key) {
    auto it = lower(key);
    if (it == items_.end() || it->first != key) it = items_.emplace(it, std::string(key), V{});
    return it->second;
  }
  // Bulk loading for readers: append in any order, then sort_unique() before anything else is called.
  V& append(std::string_view key) { return items_.emplace_back(std::string(key), V{}).second; }
  // Sorts by key; of equal keys the one appended last stays. Returns whether there were equal keys.
  bool sort_unique() {
    auto less = [](const value_type& a, const value_type& b) { return a.first < b.first; };
    if (std::adjacent_find(items_.begin(), items_.end(), [&](const auto& a, const auto& b) { return !less(a, b); }) == items_.end()) return false;
    std::stable_sort(items_.begin(), items_.end(), less);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (i + 1 < items_.size() && items_[i].first == items_[i + 1].first) continue;
      if (kept != i) items_[kept] = std::move(items_[i]);
      ++kept;
    }
    const bool repeated = kept != items_.size();
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(kept), items_.end());
    return repeated;
  }
  // Removes `key`; false if it was not there.
  bool erase(std::string_view key) {
    auto it = find(key);
    if (it == end()) return false;
    items_.erase(it);
    return true;
  }
  iterator erase(const_iterator it) { return items_.erase(it); }
  // No default: clang would want to know V where the class is named only.
  bool operator==(const FlatMap& other) const { return items_ == other.items_; }

 private:
  iterator lower(std::string_view key) {
    if (!items_.empty() && items_.back().first < key) return items_.end();
    return std::lower_bound(items_.begin(), items_.end(), key, [](const value_type& item, std::string_view k) { return item.first < k; });
  }
  std::vector<value_type> items_;
};

}  // namespace pintle

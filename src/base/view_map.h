// ViewMap: a small sorted map of views: what an object's labels are when they are read in place, out of its bytes. The
// keys and values point into memory that somebody else keeps alive. Reads like a FlatMap<std::string>: get(), contains(),
// iteration over pairs in key order; code that matches labels takes either as a template.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace pintle {

class ViewMap {
 public:
  using value_type = std::pair<std::string_view, std::string_view>;
  using const_iterator = const value_type*;

  ViewMap() = default;
  // Sorts; of equal keys the last one counts, as in JSON and protobuf.
  explicit ViewMap(std::vector<value_type> items) {
    if (items.empty()) return;
    std::stable_sort(items.begin(), items.end(), [](const value_type& a, const value_type& b) { return a.first < b.first; });
    items_ = std::make_unique_for_overwrite<value_type[]>(items.size());
    for (const value_type& item : items) {
      if (size_ > 0 && items_[size_ - 1].first == item.first) --size_;
      items_[size_++] = item;
    }
  }
  ViewMap(const ViewMap& other) : items_(other.size_ ? std::make_unique_for_overwrite<value_type[]>(other.size_) : nullptr), size_(other.size_) {
    std::copy(other.begin(), other.end(), items_.get());
  }
  ViewMap(ViewMap&& other) noexcept : items_(std::move(other.items_)), size_(std::exchange(other.size_, 0)) {}
  ViewMap& operator=(ViewMap other) noexcept {
    items_ = std::move(other.items_);
    size_ = other.size_;
    return *this;
  }

  const_iterator begin() const { return items_.get(); }
  const_iterator end() const { return items_.get() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const_iterator find(std::string_view key) const {
    auto it = std::lower_bound(begin(), end(), key, [](const value_type& item, std::string_view k) { return item.first < k; });
    return it != end() && it->first == key ? it : end();
  }
  bool contains(std::string_view key) const { return find(key) != end(); }
  // The value under `key`, or nullptr.
  const std::string_view* get(std::string_view key) const {
    auto it = find(key);
    return it == end() ? nullptr : &it->second;
  }
  // The memory `from` has moved to `to`: so do the views of it.
  void rebase(std::string_view from, const char* to) {
    for (uint32_t i = 0; i < size_; ++i) {
      items_[i].first = rebased(items_[i].first, from, to);
      items_[i].second = rebased(items_[i].second, from, to);
    }
  }
  static std::string_view rebased(std::string_view view, std::string_view from, const char* to) {
    const std::less_equal<const char*> not_after;
    const bool inside = not_after(from.data(), view.data()) && not_after(view.data() + view.size(), from.data() + from.size());
    return inside ? std::string_view(to + (view.data() - from.data()), view.size()) : view;
  }
  bool operator==(const ViewMap& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  std::unique_ptr<value_type[]> items_;
  uint32_t size_ = 0;
};

}  // namespace pintle

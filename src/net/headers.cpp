#include <algorithm>

#include "net/http.h"
#include "net/text.h"

namespace pintle::net {

void Headers::add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }

void Headers::set(std::string name, std::string value) {
  auto first = std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return equal_fold(item.first, name); });
  if (first == items_.end()) return add(std::move(name), std::move(value));
  first->second = std::move(value);
  items_.erase(std::remove_if(first + 1, items_.end(), [&](const Item& item) { return equal_fold(item.first, name); }), items_.end());
}

void Headers::remove(std::string_view name) {
  std::erase_if(items_, [&](const Item& item) { return equal_fold(item.first, name); });
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (equal_fold(key, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) { return equal_fold(item.first, name); });
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : items_) {
    if (equal_fold(key, name)) values.push_back(value);
  }
  return values;
}

}  // namespace pintle::net

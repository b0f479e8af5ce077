// Lists whose elements are told apart by a merge key (or are scalars): finding elements, and the order of a merged list:
// the patch's elements in the patch's order, the others between them where the order that the server had allows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "codec/value.h"

namespace pintle::apimachinery {

// Where each element of a list stands; of equal ones the first. An object without the merge key is not found.
class ElementIndex {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  ElementIndex(const codec::Value::Array& list, std::string_view merge_key);
  // `item` is an element, itself or one of equal key.
  std::size_t find(const codec::Value& item) const;
  void add(const codec::Value& item, std::size_t at);
  std::string_view merge_key() const { return merge_key_; }
  // What it took so far: elements, and their keys' length.
  std::size_t steps() const { return steps_; }

 private:
  // false: the item has no key.
  bool key_of(const codec::Value& item, std::string& key) const;

  std::string_view merge_key_;  // "": the elements are scalars
  std::unordered_map<std::string, std::size_t> places_;
  mutable std::size_t steps_ = 0;
};

// `items` sorted into: those named in `patch_order` in that order, the rest as in `server_order`, interleaved.
codec::Value::Array order_elements(codec::Value::Array items, const ElementIndex& patch_order, const ElementIndex& server_order);

// Both lists of scalars as one, each value once.
codec::Value::Array merge_scalars(const codec::Value::Array& a, const codec::Value::Array& b);

}  // namespace pintle::apimachinery

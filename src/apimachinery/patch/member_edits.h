// MemberEdits: changes to the members of an object, seen at once by find() and put in place together, in time linear in the members,
// where inserting and erasing one by one would be quadratic. The object is touched by nobody else until finish().
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/value.h"

namespace pintle::apimachinery {

class MemberEdits {
 public:
  explicit MemberEdits(codec::Value::Object& object) : object_(object) {}

  codec::Value* find(std::string_view key);  // valid until the key is erased, or finish()
  codec::Value& set(std::string_view key, codec::Value value);
  void erase(std::string_view key);
  void finish();

 private:
  codec::Value::Object& object_;
  std::vector<bool> gone_;  // members of object_; empty: none
  std::size_t gone_count_ = 0;
  std::map<std::string, codec::Value, std::less<>> added_;  // no member of object_, or one that is gone
};

// Keeps the members for which `keep(name, value)` is true, asked once each and in order.
template <class Keep>
void retain_members(codec::Value::Object& object, Keep&& keep) {
  std::vector<bool> kept;
  kept.reserve(object.size());
  bool all = true;
  for (auto& [name, value] : object) {
    kept.push_back(keep(name, value));
    all = all && kept.back();
  }
  if (all) return;
  codec::Value::Object left;
  std::size_t i = 0;
  for (auto& [name, value] : object)
    if (kept[i++]) left.append(name) = std::move(value);
  object = std::move(left);
}

}  // namespace pintle::apimachinery

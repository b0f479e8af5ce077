// Which value of the object before corresponds to a value of the new one, and whether they are equal.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

// The old value, and the structural schema that both are described by; without value: there is none.
struct Predecessor {
  const codec::Value* value = nullptr;
  const Node* schema = nullptr;

  // Of a member; none where the schema does not declare it. apiVersion and kind at the top are never taken as they were: both sides of
  // an update are converted to one version.
  Predecessor member(std::string_view name, bool at_top) const {
    if (value == nullptr || (at_top && (name == "apiVersion" || name == "kind"))) return {};
    const codec::Value* old = value->find(name);
    const Node* declared = old ? schema->member(name) : nullptr;
    return declared ? Predecessor{old, declared} : Predecessor();
  }
};

// Items times keys of one list; beyond it its items are taken to have no predecessors.
constexpr std::size_t compared_keys_max = 1'000'000;

// The old items of a list, found by map keys; lists that are no maps have none.
class OldItems {
 public:
  OldItems(const Node& list, const codec::Value& old);
  Predecessor of(const codec::Value& item) const;

 private:
  const Node& list_;
  std::unordered_map<std::string, const codec::Value*> by_key_;
};

// Remembers what it compared, so that asking at every level of an object takes time in proportion to it. The values stay where they are.
class Ratcheting {
 public:
  bool equal(const Node& schema, const codec::Value& value, const codec::Value& old);

 private:
  bool equal_arrays(const Node& schema, const codec::Value& value, const codec::Value& old);
  bool equal_objects(const Node& schema, const codec::Value& value, const codec::Value& old);
  std::unordered_map<const codec::Value*, bool> known_;
};

}  // namespace pintle::apimachinery::schema

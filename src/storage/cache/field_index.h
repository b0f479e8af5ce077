// FieldIndex: the cache's objects by the values of a few selectable fields (pods by spec.nodeName), for lists and initial states that ask
// for one value: they cost what they find, not what there is. Changed and read under the owner's mutex.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_map.h"
#include "storage/cached_object.h"

namespace pintle::storage {

// The value of a selectable field, or of metadata.name; "" where it is absent.
std::string_view field_of(const CachedObject& object, std::string_view field);

class FieldIndex {
 public:
  explicit FieldIndex(std::vector<std::string_view> fields);

  // Whether find() knows the objects with this value. Empty values are not indexed: they may be nearly all.
  bool covers(std::string_view field, std::string_view value) const;
  // `now` has taken the place of `before`, which has the same key; nullptr: none.
  void replace(const CachedObjectPtr& before, const CachedObjectPtr& now);
  // Of a covered value, by key.
  std::span<const CachedObjectPtr> find(std::string_view field, std::string_view value) const;

 private:
  struct Field {
    std::string_view name;
    TextMap<std::vector<CachedObjectPtr>> objects;  // by value, then by key
  };
  const Field* field(std::string_view name) const;

  std::vector<Field> fields_;
};

}  // namespace pintle::storage

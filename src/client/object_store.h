// ObjectStore: an informer's objects by "namespace/name" (or "name"), with indexes. Objects are shared and never changed: copy one to
// change it. Those that nobody has asked for lately may be kept packed (packed_objects.h) and are decoded when they are asked for.
// Belongs to one executor.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "api/type.h"
#include "client/packed_objects.h"

namespace pintle::client {

using AnyPtr = std::shared_ptr<const void>;
// The values of an index that an object stands under.
using IndexFunction = std::function<std::vector<std::string>(const void* object)>;

std::string object_key(std::string_view namespace_name, std::string_view name);  // "ns/name", or "name"
struct KeyParts {
  std::string_view namespace_name;
  std::string_view name;
};
KeyParts split_key(std::string_view key);

// How many objects a store that packs keeps decoded: those asked for last.
inline constexpr std::size_t decoded_objects_max = 1024;

class ObjectStore {
 public:
  // `decoded_max` objects stay decoded, more only while indexes are asked for so many at once; 0: all do, for ever.
  explicit ObjectStore(const api::Type& type, std::size_t decoded_max = 0);
  ~ObjectStore();

  // Before the first object, or at any time (the index is then built). Takes the place of one of that name: who asked for it may
  // have been made again.
  void add_index(std::string name, IndexFunction function);
  bool has_index(std::string_view name) const { return indexes_.contains(name); }
  const api::Type& type() const { return type_; }
  const api::meta_v1::ObjectMeta& meta(const void* object) const;

  AnyPtr find(std::string_view key) const;  // nullptr: absent
  bool contains(std::string_view key) const { return entries_.contains(key); }
  std::size_t size() const { return entries_.size(); }
  bool any_in_namespace(std::string_view namespace_name) const;
  // In key order. Of a store that packs, each is decoded for the call alone.
  void for_each(const std::function<void(const std::string& key, const AnyPtr& object)>& f) const;
  void for_each_key(const std::function<void(const std::string& key)>& f) const;
  // In key order, these too.
  std::vector<AnyPtr> in_namespace(std::string_view namespace_name) const;
  // CHECK: the index exists.
  std::vector<AnyPtr> by_index(std::string_view index, std::string_view value) const;
  std::size_t count_by_index(std::string_view index, std::string_view value) const;

  // The object that stood there before, if any.
  AnyPtr put(std::string key, AnyPtr object);
  AnyPtr erase(std::string_view key);

  std::size_t decoded() const { return decoded_max_ == 0 ? entries_.size() : hot_.size(); }

 private:
  struct Entry {
    AnyPtr object;         // nullptr: packed alone
    PackedObject packed;   // of this very state; empty: not packed yet
    uint32_t hot_at = 0;   // place in hot_, where `object` is there and the store packs
    bool touched = false;  // since the hand came by
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  using Place = Entries::value_type;
  struct Index;

  const std::vector<Place*>* places_of(std::string_view index, std::string_view value) const;
  AnyPtr peek(const Entry& entry) const;
  AnyPtr touch(Place& place) const;
  std::vector<AnyPtr> touch_all(const std::vector<Place*>& places) const;
  void heat(Place& place) const;  // enters hot_; another may be cooled for it
  void cool_one() const;
  void leave_hot(Entry& entry) const;
  // The object of the place was, and is to be; nullptr: none.
  void index(Place& place, const void* before, const void* after);

  const api::Type& type_;
  std::size_t metadata_offset_;
  const std::size_t decoded_max_;
  // What is decoded is no part of what the store says.
  mutable Entries entries_;
  mutable std::vector<Place*> hot_;
  mutable std::size_t hot_max_;
  mutable std::size_t hand_ = 0;
  mutable std::size_t cooled_ = 0;  // since hot_max_ was looked at
  mutable Packer packer_;
  std::map<std::string, std::shared_ptr<Index>, std::less<>> indexes_;
};

}  // namespace pintle::client

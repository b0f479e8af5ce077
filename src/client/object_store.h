// ObjectStore: an informer's objects by "namespace/name" (or "name"), with indexes. Objects are decoded, shared and never
// changed: copy one to change it. Belongs to one executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/gen/meta_v1.h"
#include "api/type.h"

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

class ObjectStore {
 public:
  explicit ObjectStore(const api::Type& type);

  // Before the first object, or at any time (the index is then built). Takes the place of one of that name: who asked for it may
  // have been made again.
  void add_index(std::string name, IndexFunction function);
  bool has_index(std::string_view name) const { return indexes_.contains(name); }
  const api::Type& type() const { return type_; }
  const api::meta_v1::ObjectMeta& meta(const void* object) const;

  AnyPtr find(std::string_view key) const;  // nullptr: absent
  std::size_t size() const { return objects_.size(); }
  // In key order.
  const std::map<std::string, AnyPtr, std::less<>>& objects() const { return objects_; }
  std::vector<AnyPtr> in_namespace(std::string_view namespace_name) const;
  // CHECK: the index exists.
  std::vector<AnyPtr> by_index(std::string_view index, std::string_view value) const;

  // The object that stood there before, if any.
  AnyPtr put(std::string key, AnyPtr object);
  AnyPtr erase(std::string_view key);

 private:
  struct Index;
  void enter(const std::string& key, const void* object);
  void leave(const std::string& key, const void* object);

  const api::Type& type_;
  std::size_t metadata_offset_;
  std::map<std::string, AnyPtr, std::less<>> objects_;
  std::map<std::string, std::shared_ptr<Index>, std::less<>> indexes_;
};

}  // namespace pintle::client

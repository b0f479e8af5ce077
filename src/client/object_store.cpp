#include "client/object_store.h"

#include <set>

#include "base/check.h"

namespace pintle::client {

// Keys are views of those in `objects_`, whose nodes do not move.
struct ObjectStore::Index {
  IndexFunction function;
  std::unordered_map<std::string, std::set<std::string_view>> keys;
};

std::string object_key(std::string_view namespace_name, std::string_view name) {
  std::string out;
  out.reserve(namespace_name.size() + 1 + name.size());
  if (!namespace_name.empty()) out.append(namespace_name).append("/");
  return out.append(name);
}

KeyParts split_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return {{}, key};
  return {key.substr(0, slash), key.substr(slash + 1)};
}

ObjectStore::ObjectStore(const api::Type& type) : type_(type), metadata_offset_(0) {
  const api::KindInfo* kind = api::kind_of(type);
  CHECK(kind != nullptr && kind->metadata_offset >= 0 && !kind->is_list, "only objects with metadata are stored");
  metadata_offset_ = static_cast<std::size_t>(kind->metadata_offset);
}

const api::meta_v1::ObjectMeta& ObjectStore::meta(const void* object) const {
  return *reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object) + metadata_offset_);
}

void ObjectStore::add_index(std::string name, IndexFunction function) {
  auto index = std::make_shared<Index>();
  index->function = std::move(function);
  for (const auto& [key, object] : objects_) {
    for (auto& value : index->function(object.get())) index->keys[std::move(value)].insert(key);
  }
  indexes_.insert_or_assign(std::move(name), std::move(index));
}

AnyPtr ObjectStore::find(std::string_view key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<AnyPtr> ObjectStore::in_namespace(std::string_view namespace_name) const {
  std::vector<AnyPtr> out;
  const std::string prefix = std::string(namespace_name) + "/";
  for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at) out.push_back(at->second);
  return out;
}

std::vector<AnyPtr> ObjectStore::by_index(std::string_view index, std::string_view value) const {
  const auto found = indexes_.find(index);
  CHECK(found != indexes_.end(), "no such index");
  const auto keys = found->second->keys.find(std::string(value));
  std::vector<AnyPtr> out;
  if (keys == found->second->keys.end()) return out;
  out.reserve(keys->second.size());
  for (const std::string_view key : keys->second) out.push_back(objects_.find(key)->second);
  return out;
}

AnyPtr ObjectStore::put(std::string key, AnyPtr object) {
  const auto [at, added] = objects_.try_emplace(std::move(key));
  AnyPtr old = std::move(at->second);
  at->second = std::move(object);
  if (!added) leave(at->first, old.get());
  enter(at->first, at->second.get());
  return old;
}

AnyPtr ObjectStore::erase(std::string_view key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return nullptr;
  AnyPtr old = std::move(found->second);
  leave(found->first, old.get());
  objects_.erase(found);
  return old;
}

void ObjectStore::enter(const std::string& key, const void* object) {
  for (auto& [name, index] : indexes_) {
    for (auto& value : index->function(object)) index->keys[std::move(value)].insert(key);
  }
}

void ObjectStore::leave(const std::string& key, const void* object) {
  for (auto& [name, index] : indexes_) {
    for (const auto& value : index->function(object)) {
      const auto found = index->keys.find(value);
      if (found == index->keys.end()) continue;
      found->second.erase(key);
      if (found->second.empty()) index->keys.erase(found);
    }
  }
}

}  // namespace pintle::client

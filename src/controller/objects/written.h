// Written<T>: the objects that this process has written and not seen back in its informer: reading through it, a round
// never starts from before the one before it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/informer.h"

namespace pintle::controller::objects {

template <class T>
class Written {
 public:
  using Ptr = std::shared_ptr<const T>;
  explicit Written(client::Informer<T> informer) : informer_(informer) {}

  void remember(T object) {
    if (informer_.any().knows(object.metadata)) return;
    std::string key = client::object_key(object.metadata.namespace_, object.metadata.name);
    objects_[std::move(key)] = std::make_shared<const T>(std::move(object));
  }
  // The newest known state of `seen` (not null).
  Ptr newest(const Ptr& seen) {
    if (objects_.empty()) return seen;
    settle();
    auto it = objects_.find(client::object_key(seen->metadata.namespace_, seen->metadata.name));
    return it != objects_.end() && it->second->metadata.uid == seen->metadata.uid ? it->second : seen;
  }
  // What was created in the namespace and is not seen at all yet.
  std::vector<Ptr> unseen(std::string_view namespace_name) {
    std::vector<Ptr> out;
    settle();
    for (const auto& [key, object] : objects_)
      if (object->metadata.namespace_ == namespace_name && informer_.get(key) == nullptr) out.push_back(object);
    return out;
  }

 private:
  void settle() {
    std::erase_if(objects_, [&](const auto& item) { return informer_.any().knows(item.second->metadata); });
  }
  client::Informer<T> informer_;
  std::unordered_map<std::string, Ptr> objects_;
};

}  // namespace pintle::controller::objects

// ResourceReader: how authentication, authorization and admission look at stored objects: typed, from the watch caches,
// without a request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"
#include "storage/watch_cache.h"

namespace pintle::apiserver {

struct GroupResource {
  std::string group;
  std::string resource;
  auto operator<=>(const GroupResource&) const = default;
};

// The resource that serves a kind.
struct KindServed {
  GroupResource resource;
  bool namespaced = false;
};

class ResourceReader {
 public:
  virtual ~ResourceReader() = default;
  // nullopt: clients reach no objects of that kind in that version.
  virtual std::optional<KindServed> find_kind(const api::GroupVersionKind&) const { return std::nullopt; }
  // NotFound with upstream's details if there is none. `ns` "" for cluster scope.
  virtual Result<api::Object> get(const GroupResource& resource, std::string_view ns, std::string_view name) const = 0;
  template <class T>
  Result<T> get_as(const GroupResource& resource, std::string_view ns, std::string_view name) const {
    auto object = get(resource, ns, name);
    if (!object) return Unexpected(object.error());
    return std::move(object->template as<T>());
  }
  // As get() and decode(), of built-in resources that many requests look up: what is decoded is shared until the object changes.
  virtual Result<std::shared_ptr<const api::Object>> view(const GroupResource& resource, std::string_view ns, std::string_view name) const {
    TRY_ASSIGN(api::Object object, get(resource, ns, name));
    return std::make_shared<const api::Object>(std::move(object));
  }
  virtual Result<std::shared_ptr<const api::Object>> view(const GroupResource& resource, const storage::CachedObjectPtr& cached) const {
    TRY_ASSIGN(api::Object object, decode(resource, *cached));
    return std::make_shared<const api::Object>(std::move(object));
  }
  template <class T>
  Result<std::shared_ptr<const T>> view_as(const GroupResource& resource, std::string_view ns, std::string_view name) const {
    auto object = view(resource, ns, name);
    if (!object) return Unexpected(std::move(object.error()));
    const T* typed = &(*object)->template as<T>();
    return std::shared_ptr<const T>(std::move(*object), typed);
  }
  // Every object, or those of one namespace.
  virtual std::vector<storage::CachedObjectPtr> list(const GroupResource& resource, std::string_view ns) const = 0;
  virtual Result<api::Object> decode(const GroupResource& resource, const storage::CachedObject& object) const = 0;
  // Each change, in order, before any watcher sees it; first the present state as Added. Must not block.
  virtual void subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) = 0;
};

}  // namespace pintle::apiserver

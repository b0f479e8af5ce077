// ResourceReader: how authentication, authorization and admission look at stored objects: typed, from the watch caches,
// without a request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
  // Every object, or those of one namespace.
  virtual std::vector<storage::CachedObjectPtr> list(const GroupResource& resource, std::string_view ns) const = 0;
  virtual Result<api::Object> decode(const GroupResource& resource, const storage::CachedObject& object) const = 0;
  // Each change, in order, before any watcher sees it; first the present state as Added. Must not block.
  virtual void subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) = 0;
};

}  // namespace pintle::apiserver

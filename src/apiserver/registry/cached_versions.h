// CachedVersions: the objects of a resource in the versions that it is served in. What a converter has made of a state is kept with the state in
// the watch cache, and is made once, however many ask for it at the same time. Thread-safe; watches keep it beyond its store.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "api/object.h"
#include "apiserver/registry/resource_codec.h"
#include "base/mutex.h"
#include "rt/context.h"
#include "rt/sync.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

class CachedVersions {
 public:
  CachedVersions(std::shared_ptr<const Resource> resource, std::shared_ptr<const ResourceCodec> codec)
      : resource_(std::move(resource)), codec_(std::move(codec)) {}
  ~CachedVersions();

  // False: the text of an object is right in each version, and nothing here is ever needed.
  bool differ() const { return resource_->definition().converter != nullptr; }
  // `objects` in version `to`, in their order. An error is that of the converter.
  rt::Task<Result<std::vector<storage::CachedObjectPtr>>> show(rt::Context ctx, std::vector<storage::CachedObjectPtr> objects,
                                                               const VersionBinding& to);
  rt::Task<Result<storage::CachedObjectPtr>> show_one(rt::Context ctx, storage::CachedObjectPtr object, const VersionBinding& to);
  // A custom object from one version to another.
  rt::Task<Result<api::Object>> convert(rt::Context ctx, api::Object object, const VersionBinding& from, const VersionBinding& to) const;

 private:
  struct Flight;
  class Claims;
  using Key = std::pair<const storage::CachedObject*, unsigned>;
  // Makes what is claimed; an error has been told to those who wait for it.
  rt::Task<Result<Unit>> make(rt::Context ctx, Claims& claims, std::vector<storage::CachedObjectPtr>& objects, const VersionBinding& to);
  // `converted`: of the first of what is claimed.
  rt::Task<Result<Unit>> keep(Claims& claims, std::vector<storage::CachedObjectPtr>& objects, std::vector<api::Object> converted,
                              const VersionBinding& to);
  Result<storage::CachedObjectPtr> cached(const storage::CachedObject& source, api::Object object, const VersionBinding& to) const;

  const std::shared_ptr<const Resource> resource_;
  const std::shared_ptr<const ResourceCodec> codec_;
  ThreadMutex mutex_;
  std::map<Key, std::shared_ptr<Flight>> flights_ GUARDED_BY(mutex_);  // what somebody is about to make
};

}  // namespace pintle::apiserver::registry

// DecodedMemo: what was decoded last of objects that many requests look up (their namespace, its service account, priority classes), so that
// such a look-up costs no decoding until the object changes. Safe to share between threads.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "api/object.h"
#include "base/mutex.h"
#include "base/status.h"
#include "storage/cached_object.h"

namespace pintle::apiserver::registry {

class DecodedMemo {
 public:
  using Decoded = std::shared_ptr<const api::Object>;
  // What is larger on the wire than this is decoded each time.
  static constexpr std::size_t object_bytes_max = 16 * 1024;
  // So many objects are kept, one a slot: another object of its slot takes its place.
  static constexpr std::size_t slots = 256;

  // `decode` is called where the memo has nothing, outside its lock; what it refuses is not kept.
  Result<Decoded> get(const storage::CachedObjectPtr& object, const std::function<Result<api::Object>(const storage::CachedObject&)>& decode)
      EXCLUDES(mutex_);

 private:
  struct Slot {
    storage::CachedObjectPtr object;  // kept, so that no other takes its address
    Decoded decoded;
  };

  ThreadMutex mutex_;
  std::array<Slot, slots> kept_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::registry

#include "apiserver/registry/decoded_memo.h"

#include <functional>
#include <utility>

namespace pintle::apiserver::registry {

Result<DecodedMemo::Decoded> DecodedMemo::get(const storage::CachedObjectPtr& object,
                                              const std::function<Result<api::Object>(const storage::CachedObject&)>& decode) {
  if (object->wire().size() > object_bytes_max) {
    TRY_ASSIGN(api::Object once, decode(*object));
    return std::make_shared<const api::Object>(std::move(once));
  }
  // By the key: the next form of an object lets go of the last one.
  const std::size_t slot = std::hash<std::string_view>{}(object->key()) % slots;
  {
    const ThreadLock lock(mutex_);
    if (kept_[slot].object == object) return kept_[slot].decoded;
  }
  TRY_ASSIGN(api::Object made, decode(*object));
  auto decoded = std::make_shared<const api::Object>(std::move(made));
  Slot replaced;  // let go of outside the lock
  {
    const ThreadLock lock(mutex_);
    replaced = std::exchange(kept_[slot], Slot{object, decoded});
  }
  return decoded;
}

}  // namespace pintle::apiserver::registry

#include "storage/cache/history.h"

#include <algorithm>

namespace pintle::storage {

CachedObjectPtr restamped(const CacheCodec& codec, const CachedObjectPtr& object, int64_t revision) {
  auto loaded = codec.restamp(*object, revision);
  if (!loaded) return object;
  KeyValue stored;
  stored.key = object->key();
  stored.create_revision = object->create_revision();
  stored.mod_revision = revision;
  return std::make_shared<CachedObject>(codec, stored, std::move(*loaded));
}

CachedObjectPtr Change::departed(const CacheCodec& codec) const {
  std::call_once(made_departed_, [&] { departed_ = restamped(codec, previous_, revision_); });
  return departed_;
}

void History::push(ChangePtr change) {
  change->object()->set_recent(true);
  bytes_ += change->object()->memory_bytes();
  changes_.push_back(std::move(change));
  while (changes_.size() > events_max_ || (bytes_ > bytes_max_ && changes_.size() > 1)) drop_oldest();
}

void History::drop_oldest() {
  const Change& oldest = *changes_.front();
  bytes_ -= oldest.object()->memory_bytes();
  oldest.object()->set_recent(false);
  floor_ = oldest.revision();
  changes_.pop_front();
  ++first_;
}

void History::restart(int64_t revision) {
  while (!changes_.empty()) drop_oldest();
  floor_ = revision;
}

void History::raise_floor(int64_t revision) { floor_ = std::max(floor_, revision); }

uint64_t History::after(int64_t revision) const {
  const auto it = std::ranges::upper_bound(changes_, revision, {}, [](const ChangePtr& change) { return change->revision(); });
  return first_ + static_cast<uint64_t>(it - changes_.begin());
}

}  // namespace pintle::storage

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

int64_t Change::memory_bytes() const {
  int64_t bytes = sizeof *this;
  if (previous_) bytes += previous_->memory_bytes();
  if (type_ == CacheEventType::Deleted) bytes += object_->memory_bytes();
  return bytes;
}

void History::push(ChangePtr change) {
  change->object()->set_recent(true);
  charge(change->memory_bytes());
  changes_.push_back(std::move(change));
  while (changes_.size() > limits_.events_max) drop_oldest();
}

void History::charge(int64_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  budget_->charge_history(bytes);
}

void History::drop_oldest() {
  const Change& oldest = *changes_.front();
  charge(-oldest.memory_bytes());
  if (first_ >= recent_) oldest.object()->set_recent(false);
  floor_ = oldest.revision();
  changes_.pop_front();
  ++first_;
}

void History::shrink(int64_t bytes) {
  while (this->bytes() > bytes && may_drop()) drop_oldest();
}

bool History::drop_through(int64_t revision) {
  while (may_drop() && changes_.front()->revision() <= revision) drop_oldest();
  return may_drop();
}

void History::shrink_encodings() {
  const uint64_t keep = head() - std::min<uint64_t>(changes_.size(), watcher_batch_max);
  for (recent_ = std::max(recent_, first_); recent_ < keep; ++recent_) at(recent_)->object()->set_recent(false);
}

bool History::drop_unused_encodings() {
  bool left = false;
  for (const ChangePtr& change : changes_) {
    if (change->previous()) left = change->previous()->drop_unused_encodings() || left;
    if (change->type() == CacheEventType::Deleted) left = change->object()->drop_unused_encodings() || left;
  }
  return left;
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

// History: a window of the resource's latest changes, bounded by number and bytes. Watchers are places in it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "storage/watch_cache.h"

namespace pintle::storage {

// One change. Shared by the window and by the watchers that are looking at it.
class Change {
 public:
  Change(CacheEventType type, int64_t revision, CachedObjectPtr object, CachedObjectPtr previous)
      : type_(type), revision_(revision), object_(std::move(object)), previous_(std::move(previous)) {}

  CacheEventType type() const { return type_; }
  int64_t revision() const { return revision_; }
  // Deleted: the last state with the deletion's revision.
  const CachedObjectPtr& object() const { return object_; }
  // nullptr if the key was not there.
  const CachedObjectPtr& previous() const { return previous_; }
  // The previous state with this change's revision, for a watcher whose selection it leaves. Made once.
  CachedObjectPtr departed(const CacheCodec& codec) const;

 private:
  const CacheEventType type_;
  const int64_t revision_;
  const CachedObjectPtr object_;
  const CachedObjectPtr previous_;
  mutable std::once_flag made_departed_;
  mutable CachedObjectPtr departed_;
};
using ChangePtr = std::shared_ptr<const Change>;

// A state with another resourceVersion; the state itself where the codec cannot.
CachedObjectPtr restamped(const CacheCodec& codec, const CachedObjectPtr& object, int64_t revision);

// Changes are numbered; numbers are only places, revisions are what clients know.
class History {
 public:
  History(std::size_t events_max, std::size_t bytes_max) : events_max_(events_max), bytes_max_(bytes_max) {}

  void push(ChangePtr change);
  // Watches from before `revision` cannot start any more: the state was taken anew there.
  void raise_floor(int64_t revision);
  // Forgets everything: the store went back to `revision`.
  void restart(int64_t revision);
  // The number of the next change to come.
  uint64_t head() const { return first_ + changes_.size(); }
  // The number of the oldest change that is there.
  uint64_t first() const { return first_; }
  // Watches can start from this revision or later ones.
  int64_t floor() const { return floor_; }
  const ChangePtr& at(uint64_t number) const { return changes_[number - first_]; }
  // The first change after `revision`; head() if there is none.
  uint64_t after(int64_t revision) const;

 private:
  void drop_oldest();

  const std::size_t events_max_;
  const std::size_t bytes_max_;
  std::deque<ChangePtr> changes_;
  uint64_t first_ = 0;
  std::size_t bytes_ = 0;
  int64_t floor_ = 0;
};

}  // namespace pintle::storage

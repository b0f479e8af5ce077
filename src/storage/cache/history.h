// History: a window of the resource's latest changes. Watchers are places in it. What it holds is charged to the budget of all caches: the
// states that have been superseded, each of which is the previous one of just one change, and the last states of what was deleted.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

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
  // What would not be held if the window did not hold this change.
  int64_t memory_bytes() const;
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
  // What is kept whatever is taken back, and the most changes there are.
  struct Limits {
    std::size_t events_max;
    std::size_t events_min;
    int64_t bytes_min;
  };
  History(Limits limits, std::shared_ptr<CacheBudget> budget) : limits_(limits), budget_(std::move(budget)) {}
  ~History() { restart(floor_); }

  void push(ChangePtr change);
  // The oldest go, as far as they may, until at most `bytes` are held.
  void shrink(int64_t bytes);
  // Changes up to `revision` go, as far as they may. True if more may go when they are older.
  bool drop_through(int64_t revision);
  // Watchers can do without the encodings of all but the newest few.
  void shrink_encodings();
  // Of the states that only the window holds, the encodings that nobody has used since the last call go. True if there are any left.
  bool drop_unused_encodings();
  // Any thread.
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
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
  void charge(int64_t bytes);
  bool may_drop() const { return changes_.size() > limits_.events_min || (bytes() > limits_.bytes_min && changes_.size() > 1); }

  const Limits limits_;
  const std::shared_ptr<CacheBudget> budget_;
  std::deque<ChangePtr> changes_;
  uint64_t first_ = 0;
  uint64_t recent_ = 0;  // objects of changes from this one on keep their encodings
  std::atomic<int64_t> bytes_ = 0;
  int64_t floor_ = 0;
};

}  // namespace pintle::storage

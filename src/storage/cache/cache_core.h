// CacheCore: what a watch cache and its watchers share. Events come in on one thread at a time (apply()); each is put into
// the tree, told to the listeners, added to the history, and then wakes the watchers that wait for one like it.
#pragma once

#include <atomic>
#include <coroutine>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "rt/sync.h"
#include "storage/cache/field_index.h"
#include "storage/cache/history.h"
#include "storage/cache/object_tree.h"
#include "storage/store_fanout.h"
#include "storage/watch_cache.h"

namespace pintle::storage {

class Watcher;

class CacheCore final : public StoreFanout::Feed, public std::enable_shared_from_this<CacheCore> {
 public:
  CacheCore(StoreFanout& fanout, std::string prefix, const CacheCodec& codec, WatchCacheOptions options)
      : fanout_(fanout),
        prefix_(std::move(prefix)),
        codec_(codec.shared_from_this()),
        options_(std::move(options)),
        budget_(fanout.budget()),
        index_(options_.indexed_fields),
        history_({options_.history_events_max, options_.history_events_min, options_.history_bytes_min}, budget_) {}
  ~CacheCore() override;

  // Feed.
  void apply(std::vector<WatchEvent> events) override;
  void lost() override;
  rt::Task<Result<Unit>> relist() override;
  int64_t history_bytes() const override NO_THREAD_SAFETY_ANALYSIS { return history_.bytes(); }
  void shrink_history(int64_t bytes) override;
  void shrink_encodings() override;
  bool give_back(int64_t revision) override;

  void stop();
  int64_t revision() const;
  CachedObjectPtr get(std::string_view key) const;
  CacheList list(const CacheListOptions& options) const;
  std::size_t count(std::string_view prefix) const;
  Result<std::unique_ptr<CacheWatcher>> watch(CacheWatchOptions options, rt::Executor& home);
  void on_event(std::function<void(const CacheEvent&)> listener);
  int64_t unreadable() const { return unreadable_; }
  CacheUse use() const NO_THREAD_SAFETY_ANALYSIS { return {object_bytes_, history_.bytes(), codec_->memo_bytes()}; }
  const CacheCodec& codec() const { return *codec_; }
  const WatchCacheOptions& options() const { return options_; }
  rt::TaskGroup& tasks() { return tasks_; }

 private:
  friend class Watcher;
  // Watchers that one kind of event concerns, each with its place in it.
  using Bucket = std::vector<Watcher*>;
  struct Listing {
    std::vector<CachedObjectPtr> items;  // by key
    int64_t revision = 0;
  };

  struct Prepared {
    WatchEvent event;
    CachedObjectPtr object;  // of a Put that could be read
  };
  std::vector<Prepared> prepare(std::vector<WatchEvent> events);
  void apply_locked(std::vector<Prepared> events) REQUIRES(feed_mutex_);
  void put(CachedObjectPtr object) REQUIRES(feed_mutex_);
  void erase(const std::string& key, int64_t revision) REQUIRES(feed_mutex_);
  // Objects that have come into the tree, or gone out of it (nullptr: none).
  void account(const CachedObjectPtr& came, const CachedObjectPtr& went);
  void change(CacheEventType type, int64_t revision, CachedObjectPtr object, CachedObjectPtr previous) REQUIRES(feed_mutex_);
  void wake_watchers(const ChangePtr& change) REQUIRES(feed_mutex_);
  void wake_bucket(const std::string& name, const ChangePtr& change) REQUIRES(feed_mutex_);
  CachedObjectPtr load(const KeyValue& stored);
  // Returns what was there; nullptr: nothing.
  CachedObjectPtr put_in_tree(const CachedObjectPtr& object) REQUIRES(tree_mutex_);
  CachedObjectPtr erase_from_tree(std::string_view key) REQUIRES(tree_mutex_);
  // Of a value that the index covers, those under `prefix`, by key.
  std::vector<CachedObjectPtr> indexed(std::string_view field, std::string_view value, std::string_view prefix) const REQUIRES(tree_mutex_);
  // The page of them that `options` asks for.
  static void take_page(std::vector<CachedObjectPtr> objects, const CacheListOptions& options, CacheList& list);
  rt::Task<Result<Listing>> read_all(rt::Context ctx);
  void take_listing(Listing listing);
  void show_difference(const Listing& listing) REQUIRES(feed_mutex_);
  void expire_watchers() REQUIRES(feed_mutex_);
  std::string bucket_of(const CacheWatchOptions& options) const;
  void add_watcher(Watcher& watcher) REQUIRES(feed_mutex_);
  void remove_watcher(Watcher& watcher);
  rt::Task<void> send_bookmarks();

  StoreFanout& fanout_;
  const std::string prefix_;
  const std::shared_ptr<const CacheCodec> codec_;
  const WatchCacheOptions options_;
  const std::shared_ptr<CacheBudget> budget_;

  // The order of things: held by whoever changes the state, the history or the watchers. Taken before tree_mutex_.
  mutable ThreadMutex feed_mutex_;
  mutable ThreadMutex tree_mutex_;
  mutable ObjectTree tree_ GUARDED_BY(tree_mutex_);  // changed with both held
  FieldIndex index_ GUARDED_BY(tree_mutex_);         // of the tree
  int64_t tree_revision_ = 0;                        // of the newest event or listing that the tree shows; changed with both held, read with either
  int64_t listed_revision_ GUARDED_BY(feed_mutex_) = 0;  // of the last listing
  History history_ GUARDED_BY(feed_mutex_);              // but for its size, which is atomic
  bool listing_ GUARDED_BY(feed_mutex_) = true;          // events are kept in early_ until the listing is there
  std::vector<WatchEvent> early_ GUARDED_BY(feed_mutex_);
  bool stopped_ GUARDED_BY(feed_mutex_) = false;
  std::unordered_map<std::string, Bucket> buckets_ GUARDED_BY(feed_mutex_);
  std::unordered_map<std::string, std::size_t> indexed_fields_ GUARDED_BY(feed_mutex_);  // by how many watchers
  std::size_t prefix_watchers_ GUARDED_BY(feed_mutex_) = 0;
  std::size_t bookmark_watchers_ GUARDED_BY(feed_mutex_) = 0;
  bool bookmarking_ GUARDED_BY(feed_mutex_) = false;
  std::list<std::function<void(const CacheEvent&)>> listeners_ GUARDED_BY(feed_mutex_);
  std::atomic<int64_t> unreadable_ = 0;
  std::atomic<int64_t> object_bytes_ = 0;
  rt::TaskGroup tasks_;
};

// A place in the history. Everything but the initial state is under the core's feed_mutex_.
class Watcher final : public CacheWatcher {
 public:
  Watcher(std::shared_ptr<CacheCore> core, CacheWatchOptions options) : core_(std::move(core)), options_(std::move(options)) {}
  ~Watcher() override {
    registration_ = {};
    core_->remove_watcher(*this);
  }

  rt::Task<Result<std::vector<CacheEvent>>> next(rt::Context ctx) override;
  int64_t revision() const override;

 private:
  friend class CacheCore;
  // What came out of looking at the history.
  struct Look {
    std::vector<ChangePtr> changes;
    bool bookmark = false;
    int64_t bookmark_revision = 0;
  };

  bool covers(const Change& change) const;
  bool matches(const CachedObjectPtr& object) const { return object && (!options_.match || options_.match(object->header())); }
  // Whether this watcher sees anything of `change`.
  bool concerns(const Change& change) const;
  void show(const ChangePtr& change, std::vector<CacheEvent>& out) const;
  std::vector<CacheEvent> next_initial();
  // The next object of the initial state, under the prefix; nullptr at its end.
  CachedObjectPtr next_of_state();
  Result<Look> look();
  // With the feed's mutex held: the task goes on at `place`.
  void wake(uint64_t place);
  void resume();
  // Suspends until woken. A watcher has one task, which waits often: no lock but the feed's, no allocation, and one
  // registration with its context for all waits.
  struct Parking {
    Watcher& watcher;
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> task) const;
    void await_resume() const {}
  };
  void follow(const rt::Context& ctx);

  const std::shared_ptr<CacheCore> core_;
  const CacheWatchOptions options_;
  std::string bucket_;
  std::size_t bucket_place_ = 0;

  bool initial_ = false;  // the state comes first: of the snapshot, or what the index had
  ObjectTree::Snapshot snapshot_;
  ObjectTree::Position position_;
  bool by_index_ = false;
  std::vector<CachedObjectPtr> indexed_;
  std::size_t indexed_place_ = 0;
  int64_t snapshot_revision_ = 0;

  uint64_t place_ = 0;    // the next change to look at, unless waiting: then it is the history's head
  int64_t after_ = 0;     // changes up to this revision are not shown
  int64_t returned_ = 0;  // revision of the last event that next() returned or passed over
  int64_t bookmarked_ = 0;
  bool waiting_ = false;
  bool bookmark_due_ = false;
  bool expired_ = false;
  bool cancelled_ = false;  // the followed context is done
  std::coroutine_handle<> parked_;
  rt::Executor* executor_ = nullptr;  // of the parked task
  const void* followed_ = nullptr;    // the context of registration_
  rt::CancelRegistration registration_;
};

}  // namespace pintle::storage

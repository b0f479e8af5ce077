// WatchCache: one resource's objects as encoded bytes with a small header, ordered by key, fed by the store's events. LIST,
// GET and WATCH are answered from here. A version of an object is encoded at most once per wire format and that buffer
// is shared by every answer. Thread-safe.
//
// Watchers have no queues of their own: each is a place in the cache's window of history, so an event costs one record
// however many watch, and one that falls behind by watcher_events_max, or past the window, ends with Expired.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"
#include "storage/cached_object.h"
#include "storage/store.h"
#include "storage/store_fanout.h"

namespace pintle::storage {

// True for objects that the caller wants to see. Pure and quick: it runs on the thread that feeds the cache too, and must
// not call the cache.
using Predicate = std::function<bool(const ObjectHeader&)>;

struct CacheListOptions {
  std::string prefix;  // within the resource's key space: "/registry/pods/ns/" or the whole resource's
  std::string after;   // only keys after this one ("" : all); the place where a previous page stopped
  std::size_t limit = 0;
  Predicate match;  // empty: all
  // As CacheWatchOptions' of these names. Quick where the cache was started with the field among its indexed_fields.
  std::string_view index_field;
  std::string_view index_value;
};
struct CacheList {
  std::vector<CachedObjectPtr> items;
  int64_t revision = 0;
  bool more = false;      // a matching object may follow the last one returned
  int64_t remaining = 0;  // keys after the last one returned, matching or not, but where an index was used: of its value alone
};

enum class CacheEventType : uint8_t { Added, Modified, Deleted, Bookmark };
struct CacheEvent {
  CacheEventType type = CacheEventType::Added;
  bool initial_events_end = false;  // on the bookmark that ends the initial events
  int64_t revision = 0;
  // Added, Modified: the new state. Deleted: the last state with metadata.resourceVersion of the deletion.
  CachedObjectPtr object;
  CachedObjectPtr previous;  // for on_event(), and watchers that ask for it: the state that this event replaces or ends
};

struct CacheWatchOptions {
  std::string prefix;
  int64_t revision = 0;       // events after this one; 0: from the current state, whose objects come first as Added
  bool send_initial = false;  // the state first as Added, then (if bookmarks) a bookmark with initial_events_end
  bool bookmarks = false;
  bool previous = false;  // fill CacheEvent::previous
  Predicate match;        // an object that starts or ceases to match is Added or Deleted for this watcher
  // If set, `match` is true only for objects whose selectable field `index_field` (or metadata.name) equals `index_value`: a change
  // then wakes only the watchers of its own value (each node's kubelet watches its own pods).
  std::string index_field;
  std::string index_value;
};

// Used by one task at a time.
class CacheWatcher {
 public:
  virtual ~CacheWatcher() = default;
  // Waits for the next events, at least one, at most watcher_batch_max. Expired when it fell behind; Gone when the cache
  // stops.
  virtual rt::Task<Result<std::vector<CacheEvent>>> next(rt::Context ctx) = 0;
  // Every matching event up to this revision has been returned by next(): what a bookmark written now may say.
  virtual int64_t revision() const = 0;
};
constexpr std::size_t watcher_batch_max = 256;

struct WatchCacheOptions {
  // Watches from before the window get Expired. It has at most so many of the resource's changes. Beyond the newest `history_events_min` of
  // them (as far as those hold no more than `history_bytes_min`, but always the newest one) the oldest go when they are older than
  // history_age, or sooner when the windows of all resources hold more than the budget's share: then the largest windows give.
  std::size_t history_events_max = 100 << 10;
  std::size_t history_events_min = 100;
  int64_t history_bytes_min = 256 << 10;
  std::size_t watcher_events_max = 100 << 10;  // how many of the resource's events a watcher may be behind
  // Selectable fields by whose values lists and initial states are found (static storage).
  std::vector<std::string_view> indexed_fields = {};
  rt::Duration bookmark_interval = std::chrono::seconds(60);
};

// What a cache holds, in bytes.
struct CacheUse {
  int64_t objects = 0;    // the present states
  int64_t history = 0;    // states that only the window of history keeps
  int64_t encodings = 0;  // other encodings of both
};

class WatchCache {
 public:
  virtual ~WatchCache() = default;
  // Reads the state under `prefix` ("/registry/pods/") and follows it. On a lost store watch it lists again and shows the
  // difference as events. All caches of one store share one StoreFanout, which outlives them.
  static rt::Task<Result<std::unique_ptr<WatchCache>>> start(rt::Runtime& runtime, StoreFanout& fanout, std::string prefix, const CacheCodec& codec,
                                                             WatchCacheOptions options = {});
  // A cache with a fanout of its own: for one cache alone.
  static rt::Task<Result<std::unique_ptr<WatchCache>>> start(rt::Runtime& runtime, Store& store, std::string prefix, const CacheCodec& codec,
                                                             WatchCacheOptions options = {});
  // Ends all watchers (Gone) and the feed. Await it before destroying the cache; watchers may outlive the cache.
  virtual rt::Task<void> stop() = 0;

  // The revision up to which the cache has seen everything.
  virtual int64_t revision() const = 0;
  // Waits until revision() >= `revision`; Timeout from `ctx` if that takes too long.
  virtual rt::Task<Result<Unit>> wait_for(rt::Context ctx, int64_t revision) = 0;
  // nullptr if there is none.
  virtual CachedObjectPtr get(std::string_view key) const = 0;
  // One consistent snapshot, whatever is written meanwhile.
  virtual CacheList list(const CacheListOptions& options) const = 0;
  // Objects under `prefix` ("" : all of the resource).
  virtual std::size_t count(std::string_view prefix) const = 0;
  // Expired if `revision` is older than the window of history.
  virtual Result<std::unique_ptr<CacheWatcher>> watch(CacheWatchOptions options) = 0;
  // Called for each event, in order, when get() and list() show it and before watchers see it; for indexes that must
  // never lag (RBAC, quota). First, before this returns, with the present state as Added. Must not block nor call watch()
  // or on_event() of this cache.
  virtual void on_event(std::function<void(const CacheEvent&)> listener) = 0;
  // Stored objects that the codec could not read and that are left out.
  virtual int64_t unreadable() const = 0;
  virtual CacheUse use() const = 0;
};

}  // namespace pintle::storage

// WatchCache: one resource's objects as encoded bytes with a small header, ordered by key, fed by one watch on the
// store. LIST, GET and WATCH are answered from here. A version of an object is encoded at most once per wire format and
// that buffer is shared by every answer. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"
#include "storage/store.h"

namespace pintle::storage {

// What selectors and indexes need of an object, read once from its bytes.
struct ObjectHeader {
  std::string ns;      // "" for cluster scope
  std::string name;
  std::string uid;
  FlatMap<std::string> labels;
  FlatMap<std::string> fields;   // the resource's selectable fields (spec.nodeName, status.phase ...), metadata.* aside
};

class CachedObject;
using CachedObjectPtr = std::shared_ptr<const CachedObject>;

// How a resource's bytes are read and shown; given by the API server, one for each stored resource. Thread-safe.
class CacheCodec {
 public:
  virtual ~CacheCodec() = default;
  struct Loaded {
    ObjectHeader header;
    Bytes wire;        // the message in its storage format with metadata.resourceVersion set, without the k8s envelope
  };
  // From what the store holds. An error makes the object unreadable: it is logged and left out.
  virtual Result<Loaded> load(const KeyValue& stored) const = 0;
  // One of the resource's other representations of an object ("format" is the codec's own numbering, below
  // CachedObject::formats_max): JSON of each served version, a table row ...
  virtual Bytes encode(const CachedObject& object, unsigned format) const = 0;
};

// One version of one object. Immutable but for the memo of its encodings.
class CachedObject {
 public:
  static constexpr unsigned formats_max = 6;
  CachedObject(const CacheCodec& codec, const KeyValue& stored, CacheCodec::Loaded loaded);

  const std::string& key() const { return key_; }
  int64_t revision() const { return revision_; }
  int64_t create_revision() const { return create_revision_; }
  const ObjectHeader& header() const { return header_; }
  const Bytes& wire() const { return wire_; }
  // Encoded on first use, then shared. A codec may answer with a slice of wire().
  Bytes encoded(unsigned format) const;

 private:
  const CacheCodec& codec_;
  std::string key_;
  int64_t revision_ = 0;
  int64_t create_revision_ = 0;
  ObjectHeader header_;
  Bytes wire_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<std::array<Bytes, formats_max>> memo_;
};

// True for objects that the caller wants to see.
using Predicate = std::function<bool(const ObjectHeader&)>;

struct CacheListOptions {
  std::string prefix;            // within the resource's key space: "/registry/pods/ns/" or the whole resource's
  std::string after;             // only keys after this one ("" : all); the place where a previous page stopped
  std::size_t limit = 0;
  Predicate match;               // empty: all
};
struct CacheList {
  std::vector<CachedObjectPtr> items;
  int64_t revision = 0;
  bool more = false;
  int64_t remaining = 0;         // keys after the last one returned, matching or not
};

enum class CacheEventType : uint8_t { Added, Modified, Deleted, Bookmark };
struct CacheEvent {
  CacheEventType type = CacheEventType::Added;
  int64_t revision = 0;
  // Added, Modified: the new state. Deleted: the last state with metadata.resourceVersion of the deletion.
  CachedObjectPtr object;
  bool initial_events_end = false;   // on the bookmark that ends the initial events
};

struct CacheWatchOptions {
  std::string prefix;
  int64_t revision = 0;          // events after this one; 0: from the current state, whose objects come first as Added
  bool send_initial = false;     // the state first as Added, then (if bookmarks) a bookmark with initial_events_end
  bool bookmarks = false;
  Predicate match;               // an object that starts or ceases to match is Added or Deleted for this watcher
};

// A watcher's queue is bounded: one that falls behind gets Expired (410) and ends.
class CacheWatcher {
 public:
  virtual ~CacheWatcher() = default;
  // Waits for the next events, at least one. Expired when it fell behind; Gone when the cache stops.
  virtual rt::Task<Result<std::vector<CacheEvent>>> next(rt::Context ctx) = 0;
};

struct WatchCacheOptions {
  std::size_t history_events_max = 4096;      // of the resource, then the oldest go and watches from there get Expired
  std::size_t history_bytes_max = 16 << 20;
  std::size_t watcher_events_max = 4096;      // queued for one watcher
  rt::Duration bookmark_interval = std::chrono::seconds(60);
};

class WatchCache {
 public:
  virtual ~WatchCache() = default;
  // Reads the state under `prefix` ("/registry/pods/") and follows it. On a lost store watch it lists again.
  static rt::Task<Result<std::unique_ptr<WatchCache>>> start(rt::Runtime& runtime, Store& store, std::string prefix,
                                                             const CacheCodec& codec, WatchCacheOptions options = {});
  virtual rt::Task<void> stop() = 0;

  // The revision up to which the cache has seen everything.
  virtual int64_t revision() const = 0;
  // Waits until revision() >= `revision`; Timeout from `ctx` if that takes too long.
  virtual rt::Task<Result<Unit>> wait_for(rt::Context ctx, int64_t revision) = 0;
  // nullptr if there is none.
  virtual CachedObjectPtr get(const std::string& key) const = 0;
  // One consistent snapshot, whatever is written meanwhile.
  virtual CacheList list(const CacheListOptions& options) const = 0;
  // Expired if `revision` is older than the window of history.
  virtual Result<std::unique_ptr<CacheWatcher>> watch(CacheWatchOptions options) = 0;
  // Called for each event, in order, before watchers see it; for indexes that must never lag (RBAC, quota). Must not block.
  virtual void on_event(std::function<void(const CacheEvent&)> listener) = 0;
};

}  // namespace pintle::storage

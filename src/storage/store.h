// Store: the interface shaped for etcd's promises. Every implementation runs the one contract suite
// (store_contract_test). Revisions grow by one with each committed change and are never reused; a write is
// acknowledged, and seen by any read or watch, only when it is durable. Thread-safe; calls resume on the caller's
// executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::storage {

struct KeyValue {
  std::string key;
  Bytes value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t version = 0;        // number of writes since the key was created
  int64_t lease_seconds = 0;  // the TTL it was written with; 0: none
};

struct RangeRequest {
  std::string start;      // inclusive
  std::string end;        // exclusive; "": only the key `start`, or every key if that is "" too
  std::size_t limit = 0;  // 0: no limit
  int64_t revision = 0;   // 0: the newest
  bool count_only = false;
};
struct RangeResult {
  std::vector<KeyValue> items;  // by key
  bool more = false;            // stopped at `limit`
  int64_t count = 0;            // keys in the range, `limit` aside
  int64_t revision = 0;         // the store's revision when it was read
};

enum class WatchType : uint8_t { Put, Delete, Progress };
struct WatchEvent {
  WatchType type = WatchType::Put;
  KeyValue kv;  // Delete: key and mod_revision only; Progress: mod_revision only
  std::optional<KeyValue> previous;
};

// Called in revision order, on no particular thread, under no lock of the caller; must not block. Batches are whole
// revisions. An error ends the watch: Expired (compacted), or the store's failure.
using WatchSink = std::function<void(Result<std::vector<WatchEvent>>)>;

struct WatchOptions {
  bool previous = false;  // fill WatchEvent::previous, which costs the store a read for each change
};

// Ends the watch when destroyed; the sink is not called afterwards (the destructor waits for a running call, unless it is
// that call's own thread that destroys).
class Watch {
 public:
  virtual ~Watch() = default;
};

struct PutOptions {
  int64_t ttl_seconds = 0;  // the key is deleted (with an event) after this time without a write
};

// etcd's default request limit: a larger key and value together are RequestEntityTooLarge.
constexpr std::size_t request_bytes_max = 1536 * 1024;

// A task that waits in one of these calls must be awaited to its end, as the writer may be at its data.
class Store {
 public:
  virtual ~Store() = default;

  // AlreadyExists if the key is there. Returns the new state (create_revision == mod_revision).
  virtual rt::Task<Result<KeyValue>> create(rt::Context ctx, std::string key, Bytes value, PutOptions options = {}) = 0;
  // Conflict if the key's mod_revision is not `expected`; NotFound if it is not there.
  virtual rt::Task<Result<KeyValue>> update(rt::Context ctx, std::string key, Bytes value, int64_t expected, PutOptions options = {}) = 0;
  // The same guards; expected 0: any. Returns the last state, with mod_revision the revision of the deletion.
  virtual rt::Task<Result<KeyValue>> remove(rt::Context ctx, std::string key, int64_t expected) = 0;

  // Expired if `revision` is compacted; BadRequest if it is in the future.
  virtual rt::Task<Result<RangeResult>> range(rt::Context ctx, RangeRequest request) = 0;
  // Events of keys in [start, end) with mod_revision >= `revision` (0: from now on). Expired if that is compacted.
  // `sink` may be called before this returns.
  // `end` "": only the key `start`, unless that is "" too: then every key.
  virtual Result<std::unique_ptr<Watch>> watch(std::string start, std::string end, int64_t revision, WatchSink sink, WatchOptions options = {}) = 0;
  // Asks that every watch be told how far it is, by a Progress event, if no event is under way to it. A store whose events
  // reach its watches as soon as they are committed need not do anything.
  virtual void request_progress() {}

  // The newest committed revision, at least that of every write acknowledged before the call.
  virtual rt::Task<Result<int64_t>> current_revision(rt::Context ctx) = 0;
  // Forgets history before `revision`: reads at older revisions and watches from them then fail with Expired; what
  // `revision` itself shows stays. No effect if that much is compacted; BadRequest if it is in the future.
  virtual rt::Task<Result<Unit>> compact(rt::Context ctx, int64_t revision) = 0;
  virtual int64_t compacted_revision() const = 0;
};

// The end of the range of keys that start with `prefix`: the next key after all of them ("" after "\xff...").
std::string prefix_end(std::string_view prefix);

}  // namespace pintle::storage

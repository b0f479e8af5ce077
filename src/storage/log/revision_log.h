// RevisionLog: where the rows of a LogStore live: one row a committed change, numbered by its revision. The store above
// keeps the index from keys to revisions in memory, so that a write costs the log one appended row and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "storage/store.h"

namespace pintle::storage {

struct LogRow {
  int64_t revision = 0;
  std::string key;
  Bytes value;
  bool deleted = false;  // a tombstone; no value
  int64_t create_revision = 0;
  int64_t version = 0;
  int64_t lease_seconds = 0;
  int64_t expires_at_s = 0;  // Unix time; 0: never
  uint32_t value_bytes = 0;  // value.size(), known where the value is not read
};

// What one commit changes, all of it or nothing.
struct LogCommit {
  std::span<const LogRow> append;  // by revision, after the newest
  std::span<const int64_t> drop;   // revisions that nobody will ask for again
  int64_t compacted_revision = 0;  // 0: as before
};

class RevisionLog {
 public:
  virtual ~RevisionLog() = default;

  class Reader {
   public:
    virtual ~Reader() = default;
    // InternalError if there is no such row: the index and the log disagree.
    virtual Result<LogRow> read(int64_t revision) = 0;
    // Rows from `first` to `last`, in order, until `sink` says false.
    virtual Result<Unit> scan(int64_t first, int64_t last, std::function<bool(LogRow)> sink) = 0;
  };
  // A view that does not change while commits go on, from pin() to its end. Short-lived: it may hold back housekeeping.
  class Snapshot : public Reader {
   public:
    // Quick; snapshot() may wait for a free connection.
    virtual Result<Unit> pin() = 0;
  };

  // Every row in order, without its value, into `sink`; returns the compacted revision. Called once, first.
  virtual Result<int64_t> load(std::function<void(LogRow)> sink) = 0;
  // Durable when it returns; on an error nothing of it has happened. By one thread at a time: the writer.
  virtual Result<Unit> commit(const LogCommit& change) = 0;
  // What is committed, for the writer.
  virtual Reader& committed() = 0;
  // Housekeeping, by the writer, when there is nothing to commit. True if there is more to do.
  virtual bool idle() { return false; }
  // Whether the disk takes writes again after a commit failed, of more than a few bytes. By the writer.
  virtual Result<Unit> try_disk() { return Unit{}; }
  // Thread-safe.
  virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;
  // True when snapshots may wait for the disk and belong off the executors.
  virtual bool blocking() const = 0;
};

}  // namespace pintle::storage

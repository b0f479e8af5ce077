// A RevisionLog in one SQLite table that is only ever appended to, and pruned by compaction. One connection writes; a few
// others, made when first needed, read. See docs/decisions/0005-storage.md for why it looks like this.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "rt/clock.h"
#include "rt/file.h"
#include "storage/log/revision_log.h"

namespace pintle::storage {

struct SqliteLogOptions {
  int64_t wal_pages_checkpoint = 1000;  // pages in the write-ahead log that start a checkpoint (4 KiB each)
  int64_t wal_pages_max = 8000;         // then commits wait for readers, so that the log can start over
  bool integrity_check = true;          // quick_check at open
};

class SqliteLog : public RevisionLog {
 public:
  // Makes the file where there is none. InternalError if it is damaged, or of a newer version of Pintle.
  static Result<std::unique_ptr<SqliteLog>> open(rt::Disk& disk, const rt::Clock& clock, rt::Random& random, std::string path,
                                                 SqliteLogOptions options = {});

  // A copy of the database as it is at the end, into `path`, which must not exist: call the function between commits, on
  // the writer's thread, until it returns true. The result is in `outcome`, which the caller keeps.
  virtual std::function<bool()> backup(std::string path, std::shared_ptr<Result<Unit>> outcome) = 0;
  // SQLite's full integrity check; "ok" or what it found. By the writer; reads the whole file.
  virtual Result<std::string> check_integrity() = 0;
  // Pages in the write-ahead log since it last started over.
  virtual int64_t wal_pages() const = 0;
};

}  // namespace pintle::storage

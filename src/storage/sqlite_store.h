// SqliteStore: the embedded store: one SQLite file under the data directory, DATA_DIR/db/state.db (mode 0600, directory
// 0700), one process at a time. Writes that wait at the moment share one durable commit.
#pragma once

#include <memory>
#include <string>

#include "os/process_lock.h"
#include "rt/file.h"
#include "rt/runtime.h"
#include "storage/log/log_store.h"
#include "storage/sqlite/sqlite_log.h"

namespace pintle::storage {

struct SqliteStoreOptions {
  std::string data_dir;
  LogStoreOptions store;
  SqliteLogOptions log;
  rt::Disk* disk = nullptr;  // the runtime's own if nullptr
  bool process_lock = true;  // false where no other process can come: on a simulated disk
};

namespace detail {
// Holds the lock until the store, which is the other base, has closed its files.
struct LockHolder {
  std::unique_ptr<os::ProcessLock> lock;
};
}  // namespace detail

class SqliteStore final : private detail::LockHolder, public LogStore {
 public:
  // Blocks while it checks the file and reads its keys. ServiceUnavailable if another process has it; InternalError,
  // naming the file, if it cannot be read or written, is damaged, or was written by a newer version. Destroy it when
  // nothing waits in it.
  static Result<std::unique_ptr<SqliteStore>> open(rt::Runtime& runtime, SqliteStoreOptions options);

  // A complete, durable copy in the file `path`, as of the end of the call, while writes go on. AlreadyExists if `path` is there.
  rt::Task<Result<Unit>> backup_to(rt::Context ctx, std::string path);
  // SQLite's full integrity check. Holds writes up meanwhile.
  rt::Task<Result<Unit>> check_integrity(rt::Context ctx);

  static std::string database_path(const std::string& data_dir) { return data_dir + "/db/state.db"; }

 private:
  SqliteStore(rt::Runtime& runtime, std::unique_ptr<SqliteLog> log, std::unique_ptr<os::ProcessLock> lock, SqliteStoreOptions options);
  SqliteLog& log() { return static_cast<SqliteLog&>(LogStore::log()); }
  rt::Disk& disk_;
};

// Puts the backup in the place of the store under `options.data_dir`, which must not be open. The backup is checked first;
// what was there stays beside it as state.db.before-restore. Blocks.
Result<Unit> restore_sqlite_backup(rt::Runtime& runtime, const std::string& backup_path, SqliteStoreOptions options);

}  // namespace pintle::storage

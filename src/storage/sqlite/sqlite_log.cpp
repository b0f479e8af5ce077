#include "storage/sqlite/sqlite_log.h"

#include <sqlite3.h>

#include <atomic>
#include <shared_mutex>
#include <vector>

#include "base/mutex.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/vfs.h"

namespace pintle::storage {
namespace {

constexpr int64_t schema_version = 1;
constexpr std::size_t readers_max = 2;
constexpr int64_t free_pages_kept = 1024;  // free pages that wait for reuse before the file is made smaller
constexpr int vacuum_pages_per_slice = 128;
constexpr int backup_pages_per_slice = 64;
constexpr std::size_t trial_bytes = 256 << 10;  // what the disk must take before it counts as sound again

// secure_delete would overwrite every dropped row; a compacted row is nobody's secret that a backup is not.
constexpr const char* writer_pragmas =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024;"
    "PRAGMA journal_size_limit=8388608";
constexpr const char* reader_pragmas = "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-256";
constexpr const char* schema =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, create_revision INTEGER NOT NULL,"
    " version INTEGER NOT NULL, lease_seconds INTEGER NOT NULL, expires_at_s INTEGER NOT NULL, value BLOB)";
constexpr const char* row_columns = "SELECT revision, key, create_revision, version, lease_seconds, expires_at_s, value FROM log ";

LogRow row_of(const Statement& statement) {
  LogRow row;
  row.revision = statement.integer(0);
  row.key = statement.text(1);
  row.create_revision = statement.integer(2);
  row.version = statement.integer(3);
  row.lease_seconds = statement.integer(4);
  row.expires_at_s = statement.integer(5);
  row.deleted = statement.is_null(6);
  if (!row.deleted) row.value = Bytes::copy(statement.blob(6));
  row.value_bytes = static_cast<uint32_t>(row.value.size());
  return row;
}

// The two ways to read rows, on any connection.
class RowReader {
 public:
  static Result<RowReader> make(Database& database) {
    RowReader reader;
    TRY_ASSIGN(reader.one_, database.prepare(std::string(row_columns) + "WHERE revision = ?1"));
    TRY_ASSIGN(reader.many_, database.prepare(std::string(row_columns) + "WHERE revision BETWEEN ?1 AND ?2 ORDER BY revision"));
    reader.path_ = database.path();
    return reader;
  }
  Result<LogRow> read(int64_t revision) {
    one_.bind(1, revision);
    Result<bool> found = one_.step();
    if (!found) return Unexpected(std::move(found).error());
    if (!*found) {
      one_.reset();
      return internal(path_ + ": no row of revision " + std::to_string(revision));
    }
    LogRow row = row_of(one_);
    one_.reset();
    return row;
  }
  Result<Unit> scan(int64_t first, int64_t last, const std::function<bool(LogRow)>& sink) {
    many_.bind(1, first);
    many_.bind(2, last);
    Result<bool> found = many_.step();
    while (found && *found && sink(row_of(many_))) found = many_.step();
    many_.reset();
    if (!found) return Unexpected(std::move(found).error());
    return Unit{};
  }

 private:
  Statement one_;
  Statement many_;
  std::string path_;
};

// A connection for reading.
struct ReadConnection {
  std::unique_ptr<Database> database;
  RowReader rows;
  Statement begin, touch, end;
};

class SqliteLogImpl final : public SqliteLog {
 public:
  SqliteLogImpl(rt::Disk& disk, const rt::Clock& clock, rt::Random& random, std::string path, SqliteLogOptions options)
      : disk_(disk), path_(std::move(path)), options_(options), vfs_(disk, clock, random) {}

  Result<Unit> start();
  Result<int64_t> load(std::function<void(LogRow)> sink) override;
  Result<Unit> commit(const LogCommit& change) override;
  Reader& committed() override { return writer_reader_; }
  bool idle() override;
  Result<Unit> try_disk() override;
  Result<std::unique_ptr<Snapshot>> snapshot() override;
  bool blocking() const override { return true; }
  std::function<bool()> backup(std::string path, std::shared_ptr<Result<Unit>> outcome) override;
  Result<std::string> check_integrity() override { return writer_->query_text("PRAGMA integrity_check(1)"); }
  int64_t wal_pages() const override { return wal_pages_; }

 private:
  class WriterReader final : public Reader {
   public:
    explicit WriterReader(SqliteLogImpl& log) : log_(log) {}
    Result<LogRow> read(int64_t revision) override { return log_.writer_rows_.read(revision); }
    Result<Unit> scan(int64_t first, int64_t last, std::function<bool(LogRow)> sink) override { return log_.writer_rows_.scan(first, last, sink); }

   private:
    SqliteLogImpl& log_;
  };
  class PooledSnapshot;
  class Backup;

  Result<Unit> migrate();
  Result<Unit> apply(const LogCommit& change);
  void checkpoint(int mode);
  void checkpoint_if_due();
  Result<std::unique_ptr<ReadConnection>> connect();
  Result<std::unique_ptr<ReadConnection>> take_reader();
  void give_back(std::unique_ptr<ReadConnection> connection);

  rt::Disk& disk_;
  const std::string path_;
  const SqliteLogOptions options_;
  const Vfs vfs_;
  std::unique_ptr<Database> writer_;
  RowReader writer_rows_;
  WriterReader writer_reader_{*this};
  Statement begin_, insert_, drop_, set_compacted_, commit_, rollback_;
  std::atomic<int64_t> wal_pages_ = 0;
  bool checkpointed_ = true;  // everything in the log is in the database file
  int64_t free_pages_ = -1;   // -1: not counted since rows were dropped

  SharedThreadMutex pinned_;  // shared: a snapshot is pinned; exclusive: a checkpoint must not meet one
  ThreadMutex readers_mutex_;
  ThreadCondition reader_free_;
  std::vector<std::unique_ptr<ReadConnection>> free_readers_ GUARDED_BY(readers_mutex_);
  std::size_t readers_ GUARDED_BY(readers_mutex_) = 0;
};

// A pooled connection, and a read transaction from pin() on.
class SqliteLogImpl::PooledSnapshot final : public Snapshot {
 public:
  PooledSnapshot(SqliteLogImpl& log, std::unique_ptr<ReadConnection> connection)
      : log_(log), connection_(std::move(connection)), pinned_(log.pinned_, std::defer_lock) {}
  ~PooledSnapshot() override {
    if (pinned_.owns_lock()) {
      const auto ended = connection_->end.run();  // a reader's end has nothing to fail at
      static_cast<void>(ended);
    }
    log_.give_back(std::move(connection_));
  }
  Result<Unit> pin() override {
    pinned_.lock();
    TRY(connection_->begin.run());
    return connection_->touch.run();  // the transaction sees what is committed at its first read
  }
  Result<LogRow> read(int64_t revision) override { return connection_->rows.read(revision); }
  Result<Unit> scan(int64_t first, int64_t last, std::function<bool(LogRow)> sink) override { return connection_->rows.scan(first, last, sink); }

 private:
  SqliteLogImpl& log_;
  std::unique_ptr<ReadConnection> connection_;
  std::shared_lock<SharedThreadMutex> pinned_;
};

Result<Unit> SqliteLogImpl::start() {
  TRY_ASSIGN(writer_, Database::open(vfs_, path_));
  TRY(writer_->execute(writer_pragmas));
  TRY_ASSIGN(const std::string mode, writer_->query_text("PRAGMA journal_mode"));
  if (mode != "wal") return internal(path_ + ": cannot be written to (journal mode " + mode + ")");
  if (options_.integrity_check) {
    TRY_ASSIGN(const std::string found, writer_->query_text("PRAGMA quick_check(1)"));
    if (found != "ok") return internal(path_ + ": the database is damaged: " + found + "; restore a backup");
  }
  TRY(migrate());
  sqlite3_wal_hook(
      writer_->handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteLogImpl*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  TRY_ASSIGN(writer_rows_, RowReader::make(*writer_));
  TRY_ASSIGN(begin_, writer_->prepare("BEGIN IMMEDIATE"));
  TRY_ASSIGN(insert_, writer_->prepare("INSERT INTO log VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  TRY_ASSIGN(drop_, writer_->prepare("DELETE FROM log WHERE revision = ?1"));
  TRY_ASSIGN(set_compacted_, writer_->prepare("UPDATE meta SET value = ?1 WHERE name = 'compacted_revision'"));
  TRY_ASSIGN(commit_, writer_->prepare("COMMIT"));
  TRY_ASSIGN(rollback_, writer_->prepare("ROLLBACK"));
  return Unit{};
}

Result<Unit> SqliteLogImpl::migrate() {
  TRY_ASSIGN(const int64_t tables, writer_->query_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) {
    TRY(writer_->execute("BEGIN IMMEDIATE"));
    TRY(writer_->execute(schema));
    TRY(writer_->execute("INSERT INTO meta VALUES('schema_version', " + std::to_string(schema_version) + "), ('compacted_revision', 0)"));
    return writer_->execute("COMMIT");
  }
  auto version = writer_->query_integer("SELECT value FROM meta WHERE name = 'schema_version'");
  if (!version || *version == 0) return internal(path_ + ": not a Pintle store");
  if (*version > schema_version) {
    return internal(path_ + ": written by a newer version of Pintle (schema version " + std::to_string(*version) + ", this one knows up to " +
                    std::to_string(schema_version) + ")");
  }
  return Unit{};
}

Result<int64_t> SqliteLogImpl::load(std::function<void(LogRow)> sink) {
  {
    TRY_ASSIGN(Statement rows, writer_->prepare("SELECT revision, key, create_revision, version, lease_seconds, expires_at_s, length(value)"
                                                " FROM log ORDER BY revision"));
    while (true) {
      TRY_ASSIGN(const bool more, rows.step());
      if (!more) break;
      LogRow row;
      row.revision = rows.integer(0);
      row.key = rows.text(1);
      row.create_revision = rows.integer(2);
      row.version = rows.integer(3);
      row.lease_seconds = rows.integer(4);
      row.expires_at_s = rows.integer(5);
      row.deleted = rows.is_null(6);
      row.value_bytes = row.deleted ? 0 : static_cast<uint32_t>(rows.integer(6));
      sink(std::move(row));
    }
  }
  return writer_->query_integer("SELECT value FROM meta WHERE name = 'compacted_revision'");
}

Result<Unit> SqliteLogImpl::commit(const LogCommit& change) {
  checkpoint_if_due();
  Result<Unit> done = apply(change);
  if (!done) {
    // SQLite may have rolled back by itself already.
    if (sqlite3_get_autocommit(writer_->handle()) == 0) {
      const auto rolled_back = rollback_.run();
      static_cast<void>(rolled_back);
    }
    return done;
  }
  checkpointed_ = false;
  if (!change.drop.empty()) free_pages_ = -1;
  return done;
}

Result<Unit> SqliteLogImpl::apply(const LogCommit& change) {
  TRY(begin_.run());
  for (const LogRow& row : change.append) {
    insert_.bind(1, row.revision);
    insert_.bind_text(2, row.key);
    insert_.bind(3, row.create_revision);
    insert_.bind(4, row.version);
    insert_.bind(5, row.lease_seconds);
    insert_.bind(6, row.expires_at_s);
    if (row.deleted) {
      insert_.bind_null(7);
    } else {
      insert_.bind_blob(7, row.value.view());
    }
    TRY(insert_.run());
  }
  for (const int64_t revision : change.drop) {
    drop_.bind(1, revision);
    TRY(drop_.run());
  }
  if (change.compacted_revision != 0) {
    set_compacted_.bind(1, change.compacted_revision);
    TRY(set_compacted_.run());
  }
  return commit_.run();
}

void SqliteLogImpl::checkpoint(int mode) {
  int in_log = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(writer_->handle(), nullptr, mode, &in_log, &copied);
  // A failure loses nothing: the log stays as it is, and the next commit tells what is wrong with the disk.
  checkpointed_ = code == SQLITE_OK && in_log == copied;
  if (checkpointed_) wal_pages_ = 0;
}

void SqliteLogImpl::checkpoint_if_due() {
  if (wal_pages_ >= options_.wal_pages_max) {
    ExclusiveThreadLock no_readers(pinned_);
    checkpoint(SQLITE_CHECKPOINT_RESTART);
  } else if (wal_pages_ >= options_.wal_pages_checkpoint) {
    checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  }
}

bool SqliteLogImpl::idle() {
  checkpoint_if_due();
  if (free_pages_ < 0) {
    auto free = writer_->query_integer("PRAGMA freelist_count");
    free_pages_ = free ? *free : 0;
  }
  if (free_pages_ <= free_pages_kept) return false;
  // Not to zero: what was free will be needed again soon.
  free_pages_ -= vacuum_pages_per_slice;
  return writer_->execute("PRAGMA incremental_vacuum(" + std::to_string(vacuum_pages_per_slice) + ")").has_value() && free_pages_ > free_pages_kept;
}

Result<Unit> SqliteLogImpl::try_disk() {
  const std::string path = path_ + ".trial";
  const auto write = [&]() -> Result<Unit> {
    TRY_ASSIGN(const auto file, disk_.open(path, {.write = true, .create = true, .truncate = true, .mode = 0600}));
    TRY(file->write_at(0, std::string(trial_bytes, '\0')));
    return file->sync();
  };
  auto written = write();
  auto removed = disk_.exists(path) ? disk_.remove(path) : Result<Unit>(Unit{});
  if (!written) return written;
  checkpointed_ = false;
  TRY(writer_->execute("UPDATE meta SET value = value WHERE name = 'schema_version'"));
  return removed;
}

Result<std::unique_ptr<ReadConnection>> SqliteLogImpl::connect() {
  auto connection = std::make_unique<ReadConnection>();
  TRY_ASSIGN(connection->database, Database::open(vfs_, path_, Database::Access::Read));
  TRY(connection->database->execute(reader_pragmas));
  TRY_ASSIGN(connection->rows, RowReader::make(*connection->database));
  TRY_ASSIGN(connection->begin, connection->database->prepare("BEGIN"));
  TRY_ASSIGN(connection->touch, connection->database->prepare("SELECT 1 FROM meta WHERE name = 'schema_version'"));
  TRY_ASSIGN(connection->end, connection->database->prepare("ROLLBACK"));
  return connection;
}

Result<std::unique_ptr<ReadConnection>> SqliteLogImpl::take_reader() {
  {
    ThreadLock lock(readers_mutex_);
    while (free_readers_.empty() && readers_ >= readers_max) reader_free_.wait(lock);
    if (!free_readers_.empty()) {
      auto connection = std::move(free_readers_.back());
      free_readers_.pop_back();
      return connection;
    }
    ++readers_;
  }
  auto connection = connect();
  if (!connection) {
    ThreadLock lock(readers_mutex_);
    --readers_;
    reader_free_.notify_one();
  }
  return connection;
}

void SqliteLogImpl::give_back(std::unique_ptr<ReadConnection> connection) {
  connection->database->release_memory();  // reads from the store are rare: caches answer
  ThreadLock lock(readers_mutex_);
  free_readers_.push_back(std::move(connection));
  reader_free_.notify_one();
}

Result<std::unique_ptr<RevisionLog::Snapshot>> SqliteLogImpl::snapshot() {
  TRY_ASSIGN(std::unique_ptr<ReadConnection> connection, take_reader());
  return std::make_unique<PooledSnapshot>(*this, std::move(connection));
}

// SQLite's backup through the writer's own connection: what is committed between two slices goes to the copy as well, so
// it never has to start over.
class SqliteLogImpl::Backup {
 public:
  Backup(SqliteLogImpl& log, std::string path, std::shared_ptr<Result<Unit>> outcome)
      : log_(log), path_(std::move(path)), outcome_(std::move(outcome)) {}
  ~Backup() { finish(); }

  bool slice() {
    if (!target_) {
      auto opened = Database::open(log_.vfs_, path_);
      if (!opened) return end(Unexpected(opened.error()));
      target_ = std::move(*opened);
      if (auto set = target_->execute("PRAGMA synchronous=FULL; PRAGMA cache_size=-256"); !set) return end(Unexpected(set.error()));
      backup_ = sqlite3_backup_init(target_->handle(), "main", log_.writer_->handle(), "main");
      if (backup_ == nullptr) return end(target_->failure(sqlite3_errcode(target_->handle())));
    }
    const int code = sqlite3_backup_step(backup_, backup_pages_per_slice);
    if (code == SQLITE_OK) return false;
    if (code == SQLITE_DONE) return end(Unit{});
    return end(target_->failure(code));
  }

 private:
  void finish() {
    if (backup_ != nullptr) sqlite3_backup_finish(backup_);
    backup_ = nullptr;
    target_.reset();
  }
  bool end(Result<Unit> result) {
    finish();
    *outcome_ = std::move(result);
    return true;
  }

  SqliteLogImpl& log_;
  const std::string path_;
  const std::shared_ptr<Result<Unit>> outcome_;
  std::unique_ptr<Database> target_;
  sqlite3_backup* backup_ = nullptr;
};

std::function<bool()> SqliteLogImpl::backup(std::string path, std::shared_ptr<Result<Unit>> outcome) {
  auto backup = std::make_shared<Backup>(*this, std::move(path), std::move(outcome));
  return [backup] { return backup->slice(); };
}

}  // namespace

Result<std::unique_ptr<SqliteLog>> SqliteLog::open(rt::Disk& disk, const rt::Clock& clock, rt::Random& random, std::string path,
                                                   SqliteLogOptions options) {
  auto log = std::make_unique<SqliteLogImpl>(disk, clock, random, std::move(path), options);
  TRY(log->start());
  return log;
}

}  // namespace pintle::storage

#include "storage/sqlite_store.h"

#include <utility>

namespace pintle::storage {
namespace {

constexpr std::size_t copy_chunk_bytes = 1 << 20;

std::string directory_of(const SqliteStoreOptions& options) { return options.data_dir + "/db"; }

Result<std::unique_ptr<os::ProcessLock>> take_lock(rt::Disk& disk, const SqliteStoreOptions& options) {
  const std::string directory = directory_of(options);
  const bool new_data_dir = !disk.exists(options.data_dir);
  if (!disk.exists(directory)) {
    TRY(disk.make_directories(directory, 0700));
    TRY(disk.sync_directory(options.data_dir));
  }
  if (new_data_dir) TRY(disk.sync_directory(rt::parent_path(options.data_dir)));
  if (!options.process_lock) return nullptr;
  return os::ProcessLock::take(SqliteStore::database_path(options.data_dir) + ".lock");
}

Result<Unit> copy_durably(rt::Disk& disk, const std::string& from, const std::string& to) {
  TRY_ASSIGN(const std::unique_ptr<rt::File> source, disk.open(from, {}));
  TRY_ASSIGN(const std::unique_ptr<rt::File> target, disk.open(to, {.write = true, .create = true, .truncate = true, .mode = 0600}));
  std::string chunk(copy_chunk_bytes, '\0');
  for (uint64_t offset = 0;;) {
    TRY_ASSIGN(const std::size_t got, source->read_at(offset, chunk));
    if (got == 0) return target->sync();
    TRY(target->write_at(offset, std::string_view(chunk).substr(0, got)));
    offset += got;
  }
}

Result<Unit> remove_if_there(rt::Disk& disk, const std::string& path) {
  auto removed = disk.remove(path);
  if (!removed && removed.error().reason != Reason::NotFound) return removed;
  return Unit{};
}

}  // namespace

SqliteStore::SqliteStore(rt::Runtime& runtime, std::unique_ptr<SqliteLog> log, std::unique_ptr<os::ProcessLock> lock, SqliteStoreOptions options)
    : LockHolder{std::move(lock)},
      LogStore(runtime, std::move(log), options.store),
      disk_(options.disk != nullptr ? *options.disk : runtime.disk()) {}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(rt::Runtime& runtime, SqliteStoreOptions options) {
  rt::Disk& disk = options.disk != nullptr ? *options.disk : runtime.disk();
  TRY_ASSIGN(std::unique_ptr<os::ProcessLock> process_lock, take_lock(disk, options));
  TRY_ASSIGN(std::unique_ptr<SqliteLog> log, SqliteLog::open(disk, runtime.clock(), runtime.random(), database_path(options.data_dir), options.log));
  std::unique_ptr<SqliteStore> store(new SqliteStore(runtime, std::move(log), std::move(process_lock), std::move(options)));
  TRY(store->start());
  return store;
}

rt::Task<Result<Unit>> SqliteStore::backup_to(rt::Context ctx, std::string path) {
  if (disk_.exists(path)) co_return error(Reason::AlreadyExists, path + " already exists");
  const std::string partial = path + ".partial";
  CO_TRY(remove_if_there(disk_, partial));
  auto outcome = std::make_shared<Result<Unit>>(Unit{});
  std::function<bool()> slice = log().backup(partial, outcome);
  Result<Unit> done = co_await run_on_writer(ctx, std::move(slice));
  if (done) done = *outcome;
  if (done) {
    co_await runtime().run_blocking([&] {
      auto file = disk_.open(partial, {.write = true});
      done = file ? (*file)->sync() : Result<Unit>(Unexpected(file.error()));
      if (done) done = disk_.rename(partial, path);
      if (done) done = disk_.sync_directory(rt::parent_path(path));
    });
  }
  if (!done) {
    const auto removed = remove_if_there(disk_, partial);  // the first error is the one to tell
    static_cast<void>(removed);
  }
  co_return done;
}

rt::Task<Result<Unit>> SqliteStore::check_integrity(rt::Context ctx) {
  auto found = std::make_shared<Result<std::string>>(std::string());
  std::function<bool()> slice = [this, found] {
    *found = log().check_integrity();
    return true;
  };
  CO_TRY(co_await run_on_writer(ctx, std::move(slice)));
  if (!*found) co_return Unexpected(found->error());
  if (**found != "ok") co_return internal("the database is damaged: " + **found);
  co_return Unit{};
}

Result<Unit> restore_sqlite_backup(rt::Runtime& runtime, const std::string& backup_path, SqliteStoreOptions options) {
  rt::Disk& disk = options.disk != nullptr ? *options.disk : runtime.disk();
  TRY_ASSIGN(const std::unique_ptr<os::ProcessLock> process_lock, take_lock(disk, options));
  const std::string target = SqliteStore::database_path(options.data_dir);
  const std::string incoming = target + ".restoring";
  TRY(copy_durably(disk, backup_path, incoming));
  {
    // Opening checks it; closing leaves one file with everything in it.
    TRY_ASSIGN(const std::unique_ptr<SqliteLog> log, SqliteLog::open(disk, runtime.clock(), runtime.random(), incoming, {}));
    TRY_ASSIGN(const std::string found, log->check_integrity());
    if (found != "ok") return internal(backup_path + ": the backup is damaged: " + found);
  }
  if (disk.exists(target)) {
    // A crash may have left part of the old state in its log: opening once more brings it into the file that is kept.
    auto old = SqliteLog::open(disk, runtime.clock(), runtime.random(), target, {});
    static_cast<void>(old);  // a damaged one is kept as it is
  }
  for (const char* part : {"-wal", ""}) {
    if (disk.exists(target + part)) TRY(disk.rename(target + part, target + ".before-restore" + part));
  }
  TRY(disk.rename(incoming, target));
  return disk.sync_directory(directory_of(options));
}

}  // namespace pintle::storage

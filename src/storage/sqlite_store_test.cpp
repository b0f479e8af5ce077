#include "storage/sqlite_store.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/mutex.h"
#include "storage/sqlite/fault_disk.h"
#include "storage/sqlite/vfs.h"
#include "storage/store_contract.h"

namespace pintle::storage {
namespace {

// A directory of its own, gone at the end.
struct TempDir {
  TempDir() {
    char name[] = "/tmp/pintle-store-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

std::unique_ptr<Store> open_store(rt::Runtime& runtime, std::shared_ptr<void>& keep) {
  auto dir = std::make_shared<TempDir>();
  keep = dir;
  SqliteStoreOptions options;
  options.data_dir = dir->path;
  auto store = SqliteStore::open(runtime, options);
  EXPECT_TRUE(store.has_value()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

std::unique_ptr<Store> open_simulated(rt::Runtime& runtime, std::shared_ptr<void>&) {
  SqliteStoreOptions options;
  options.data_dir = "/data";
  options.store.on_executor = true;
  options.process_lock = false;
  auto store = SqliteStore::open(runtime, options);
  EXPECT_TRUE(store.has_value()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         ::testing::Values(StoreContractCase{"Thread", open_store}, StoreContractCase{"Simulated", open_simulated, true}), case_name);

const rt::Context background = rt::Context::background();

SqliteStoreOptions in(const std::string& dir) {
  SqliteStoreOptions options;
  options.data_dir = dir;
  return options;
}

rt::Runtime& here() { return rt::Executor::current().runtime(); }

std::unique_ptr<SqliteStore> opened(SqliteStoreOptions options) {
  auto store = SqliteStore::open(here(), std::move(options));
  EXPECT_TRUE(store.has_value()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

rt::Task<int64_t> put(Store* store, std::string key, std::string value) {
  auto done = co_await store->create(background, key, Bytes(value));
  EXPECT_TRUE(done.has_value()) << done.error().message;
  co_return done ? done->mod_revision : 0;
}

rt::Task<std::string> get(Store* store, std::string key) {
  RangeRequest request;
  request.start = std::move(key);
  auto range = co_await store->range(background, request);
  if (!range) co_return "error: " + range.error().message;
  co_return range->items.empty() ? "absent" : std::string(range->items[0].value.view());
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

void expect_message(const Status& status, std::string_view part) { EXPECT_NE(status.message.find(part), std::string::npos) << status.message; }

TEST(SqliteStore, FilesAreTheOwnersOnly) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    auto store = opened(in(dir.path));
    co_await put(store.get(), "/a", "1");
    EXPECT_EQ(mode_of(dir.path + "/db"), 0700u);
    EXPECT_EQ(mode_of(dir.path + "/db/state.db"), 0600u);
    EXPECT_EQ(mode_of(dir.path + "/db/state.db-wal"), 0600u);
  });
}

TEST(SqliteStore, EverythingIsThereAfterARestart) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    auto store = opened(in(dir.path));
    const int64_t first = co_await put(store.get(), "/a", "1");
    auto second = co_await store->update(background, "/a", Bytes::literal("2"), first);
    co_await put(store.get(), "/b", "1");
    const int64_t last = co_await put(store.get(), "/c", "1");
    auto gone = co_await store->remove(background, "/c", last);
    auto compacted = co_await store->compact(background, second->mod_revision);
    EXPECT_TRUE(gone && compacted);
    store.reset();
    store = opened(in(dir.path));
    EXPECT_EQ(co_await get(store.get(), "/a"), "2");
    EXPECT_EQ(co_await get(store.get(), "/c"), "absent");
    EXPECT_EQ(store->compacted_revision(), second->mod_revision);
    auto now = co_await store->current_revision(background);
    EXPECT_EQ(*now, gone->mod_revision);
    RangeRequest past;
    past.start = "/c";
    past.revision = last;
    auto range = co_await store->range(background, past);
    EXPECT_TRUE(range && range->items.size() == 1);
    auto third = co_await store->update(background, "/a", Bytes::literal("3"), second->mod_revision);
    EXPECT_EQ(third->version, 3);
    EXPECT_EQ(third->mod_revision, gone->mod_revision + 1);
    EXPECT_EQ(third->create_revision, first);
    auto sound = co_await store->check_integrity(background);
    EXPECT_TRUE(sound.has_value());
  });
}

// A virtual clock: what is left of a key's time goes on counting from its deadline.
TEST(SqliteStore, TimeToLiveSurvivesARestart) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    std::shared_ptr<void> keep;
    auto store = open_simulated(here(), keep);
    PutOptions brief;
    brief.ttl_seconds = 60;
    auto made = co_await store->create(background, "/t", Bytes::literal("x"), brief);
    EXPECT_TRUE(made.has_value());
    (void)co_await rt::sleep_for(background, std::chrono::seconds(40));
    store.reset();
    store = open_simulated(here(), keep);
    (void)co_await rt::sleep_for(background, std::chrono::seconds(15));
    EXPECT_EQ(co_await get(store.get(), "/t"), "x");
    (void)co_await rt::sleep_for(background, std::chrono::seconds(10));
    EXPECT_EQ(co_await get(store.get(), "/t"), "absent");
  });
}

TEST(SqliteStore, HistoryIsCompactedByAge) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    std::shared_ptr<void> keep;
    auto store = open_simulated(here(), keep);
    int64_t revision = co_await put(store.get(), "/a", "0");
    const int64_t first = revision;
    for (int i = 1; i <= 20; ++i) {
      auto done = co_await store->update(background, "/a", Bytes(std::to_string(i)), revision);
      revision = done->mod_revision;
      (void)co_await rt::sleep_for(background, std::chrono::seconds(30));
    }
    EXPECT_GT(store->compacted_revision(), first + 5);
    EXPECT_LT(store->compacted_revision(), revision - 5);  // five minutes are still there
    (void)co_await rt::sleep_for(background, std::chrono::minutes(11));
    EXPECT_EQ(store->compacted_revision(), revision);
    EXPECT_EQ(co_await get(store.get(), "/a"), "20");
  });
}

TEST(SqliteStore, ASecondOpenerIsTurnedAway) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    auto store = opened(in(dir.path));
    auto second = SqliteStore::open(here(), in(dir.path));
    EXPECT_FALSE(second.has_value());
    if (second) co_return;
    EXPECT_EQ(second.error().reason, Reason::ServiceUnavailable);
    expect_message(second.error(), "state.db.lock is in use by another process (pid " + std::to_string(::getpid()) + ")");
    store.reset();
    auto third = SqliteStore::open(here(), in(dir.path));
    EXPECT_TRUE(third.has_value());
  });
}

// Opens the database file with plain SQLite and runs `sql`.
void with_sqlite(const std::string& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(handle);
}

TEST(SqliteStore, WhatItCannotReadItRefuses) {
  struct Row {
    const char* name;
    void (*spoil)(const std::string& path);
    const char* message;
  };
  const Row rows[] = {
      {"newer", [](const std::string& path) { with_sqlite(path, "UPDATE meta SET value = 99 WHERE name = 'schema_version'"); },
       "written by a newer version of Pintle (schema version 99"},
      {"foreign", [](const std::string& path) { with_sqlite(path, "DROP TABLE meta"); }, "not a Pintle store"},
      {"garbage", [](const std::string& path) { std::ofstream(path, std::ios::trunc) << std::string(8192, 'g'); }, "damaged"},
      {"overwritten",
       [](const std::string& path) {
         std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
         file.seekp(4096 * 3);
         file << std::string(4096 * 3, '\xee');
       },
       "damaged"},
      {"directory",
       [](const std::string& path) {
         std::filesystem::remove(path);
         std::filesystem::create_directory(path);
       },
       "state.db"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const TempDir dir;
    rt::testing::run_task([&]() -> rt::Task<void> {
      auto store = opened(in(dir.path));
      for (int i = 0; i < 50; ++i) co_await put(store.get(), "/a" + std::to_string(i), std::string(1000, 'x'));
      store.reset();
      row.spoil(SqliteStore::database_path(dir.path));
      auto again = SqliteStore::open(here(), in(dir.path));
      EXPECT_FALSE(again.has_value());
      if (again) co_return;
      expect_message(again.error(), row.message);
      expect_message(again.error(), SqliteStore::database_path(dir.path));
    });
  }
}

TEST(SqliteStore, ADiskThatRefusesWritesIsToldAndForgiven) {
  for (const char* why : {FaultDisk::full, FaultDisk::read_only, "input/output error"}) {
    SCOPED_TRACE(why);
    const TempDir dir;
    rt::testing::run_task([&]() -> rt::Task<void> {
      FaultDisk disk(here().disk());
      SqliteStoreOptions options = in(dir.path);
      options.disk = &disk;
      ThreadMutex mutex;
      std::vector<std::string> told;  // by the writer's thread, before the answer that we wait for
      options.store.on_write_failure = [&](const std::optional<Status>& failure) {
        ThreadLock lock(mutex);
        told.push_back(failure ? failure->message : "over");
      };
      const auto last = [&] {
        ThreadLock lock(mutex);
        return told.empty() ? std::string() : told.back();
      };
      auto store = opened(options);
      const int64_t first = co_await put(store.get(), "/a", "1");
      EXPECT_EQ(last(), "");
      disk.refuse(why);
      for (int i = 0; i < 3; ++i) {
        auto refused = co_await store->update(background, "/a", Bytes::literal("2"), first);
        EXPECT_FALSE(refused.has_value());
        if (refused) co_return;
        EXPECT_EQ(refused.error().http(), 500);
        expect_message(refused.error(), why);
        expect_message(refused.error(), dir.path + "/db/state.db");
      }
      EXPECT_NE(last().find(why), std::string::npos) << last();
      EXPECT_EQ(co_await get(store.get(), "/a"), "1");  // reads go on, nothing is half written
      auto now = co_await store->current_revision(background);
      EXPECT_EQ(*now, first);
      disk.refuse("");
      // Nobody writes, and it is found out all the same.
      for (int i = 0; i < 500 && last() != "over"; ++i) (void)co_await rt::sleep_for(background, std::chrono::milliseconds(10));
      EXPECT_EQ(last(), "over");
      auto accepted = co_await store->update(background, "/a", Bytes::literal("3"), first);
      EXPECT_TRUE(accepted && accepted->mod_revision == first + 1);
      store.reset();
      EXPECT_EQ(std::count(told.begin(), told.end(), "over"), 1);
      EXPECT_FALSE(std::filesystem::exists(dir.path + "/db/state.db.trial"));
      store = opened(options);
      EXPECT_EQ(co_await get(store.get(), "/a"), "3");
      auto sound = co_await store->check_integrity(background);
      EXPECT_TRUE(sound.has_value());
    });
  }
}

TEST(SqliteStore, AReadOnlyDiskCannotBeOpened) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    FaultDisk disk(here().disk());
    SqliteStoreOptions options = in(dir.path);
    options.disk = &disk;
    disk.refuse(FaultDisk::read_only);
    auto store = SqliteStore::open(here(), options);
    EXPECT_FALSE(store.has_value());
    if (!store) {
      expect_message(store.error(), dir.path + ": read-only file system");
    }
    std::filesystem::create_directories(dir.path + "/db");
    store = SqliteStore::open(here(), options);
    EXPECT_FALSE(store.has_value());
    if (!store) {
      expect_message(store.error(), dir.path + "/db/state.db: read-only file system");
    }
    co_return;
  });
}

// One key, rewritten `n` times.
rt::Task<void> rewrite(Store* store, std::string key, int n, std::string value) {
  auto now = co_await store->create(background, key, Bytes(value));
  for (int i = 0; i < n && now; ++i) now = co_await store->update(background, key, Bytes(value), now->mod_revision);
  EXPECT_TRUE(now.has_value());
}

uint64_t bytes_under(const std::string& path) {
  uint64_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) total += entry.file_size();
  return total;
}

// Notes the largest size that the files ever have while `group` runs.
rt::Task<void> note_size(std::string path, rt::Context ctx, uint64_t* largest) {
  while (!ctx.done()) {
    *largest = std::max(*largest, bytes_under(path));
    (void)co_await rt::sleep_for(ctx, std::chrono::milliseconds(20));
  }
}

TEST(SqliteStore, FilesStayBoundedUnderSustainedLoad) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    SqliteStoreOptions options = in(dir.path);
    options.store.history_bytes_max = 4 << 20;
    options.store.history_age = std::chrono::hours(1);  // by size alone
    auto store = opened(options);
    rt::TaskGroup writers;
    rt::TaskGroup watchdog;
    uint64_t largest = 0;
    watchdog.spawn(note_size(dir.path + "/db", watchdog.context(), &largest));
    constexpr int keys = 50;
    constexpr int updates = 100'000;
    for (int i = 0; i < keys; ++i) writers.spawn(rewrite(store.get(), "/k" + std::to_string(i), updates / keys, std::string(600, 'v')));
    co_await writers.join();
    co_await watchdog.close();
    // 100,000 x 700 bytes were written: 67 MiB.
    EXPECT_LT(largest, 24u << 20);
    EXPECT_EQ(co_await get(store.get(), "/k7"), std::string(600, 'v'));
  });
}

TEST(SqliteStore, ABackupIsWholeWhileWritesGoOn) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    auto store = opened(in(dir.path));
    for (int i = 0; i < 300; ++i) co_await put(store.get(), "/a" + std::to_string(i), std::string(2000, 'a'));
    rt::TaskGroup writers;
    for (int i = 0; i < 4; ++i) writers.spawn(rewrite(store.get(), "/busy" + std::to_string(i), 300, std::string(500, 'b')));
    const std::string copy = dir.path + "/copy.db";
    auto before = co_await store->current_revision(background);
    auto done = co_await store->backup_to(background, copy);
    EXPECT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(mode_of(copy), 0600u);
    auto again = co_await store->backup_to(background, copy);
    EXPECT_FALSE(again.has_value());
    if (!again) {
      EXPECT_EQ(again.error().reason, Reason::AlreadyExists);
    }
    co_await writers.join();
    auto after = co_await store->current_revision(background);

    auto busy = restore_sqlite_backup(here(), copy, in(dir.path));
    EXPECT_FALSE(busy.has_value());  // the store is open
    const TempDir other;
    auto restored = restore_sqlite_backup(here(), copy, in(other.path));
    EXPECT_TRUE(restored.has_value()) << restored.error().message;
    auto second = opened(in(other.path));
    auto revision = co_await second->current_revision(background);
    EXPECT_GE(*revision, *before);
    EXPECT_LE(*revision, *after);
    EXPECT_EQ(co_await get(second.get(), "/a299"), std::string(2000, 'a'));
    auto sound = co_await second->check_integrity(background);
    EXPECT_TRUE(sound.has_value());
    const int64_t next = co_await put(second.get(), "/new", "1");
    EXPECT_EQ(next, *revision + 1);
  });
}

TEST(SqliteStore, ARestoreKeepsWhatWasThere) {
  const TempDir dir;
  rt::testing::run_task([&]() -> rt::Task<void> {
    auto store = opened(in(dir.path));
    co_await put(store.get(), "/a", "kept in the backup");
    auto done = co_await store->backup_to(background, dir.path + "/copy.db");
    EXPECT_TRUE(done.has_value());
    co_await put(store.get(), "/b", "after the backup");
    store.reset();
    std::ofstream(dir.path + "/bad.db") << std::string(10'000, 'x');
    auto refused = restore_sqlite_backup(here(), dir.path + "/bad.db", in(dir.path));
    EXPECT_FALSE(refused.has_value());
    auto restored = restore_sqlite_backup(here(), dir.path + "/copy.db", in(dir.path));
    EXPECT_TRUE(restored.has_value()) << restored.error().message;
    store = opened(in(dir.path));
    EXPECT_EQ(co_await get(store.get(), "/a"), "kept in the backup");
    EXPECT_EQ(co_await get(store.get(), "/b"), "absent");
    EXPECT_TRUE(std::filesystem::exists(SqliteStore::database_path(dir.path) + ".before-restore"));
  });
}

// Else a reader whose writer lost its processor for a moment ends with "locking protocol".
TEST(Vfs, WaitsBetweenLooksAtALock) {
  const auto runtime = rt::make_real_runtime();
  const Vfs vfs(runtime->disk(), runtime->clock(), runtime->random());
  sqlite3_vfs* registered = sqlite3_vfs_find(vfs.name().c_str());
  ASSERT_NE(registered, nullptr);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(registered->xSleep(registered, 5000), 5000);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::microseconds(5000));
}

}  // namespace
}  // namespace pintle::storage

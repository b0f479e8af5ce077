// Ways to lay out the store's tables, side by side, over plain SQLite: what one durable create and one update cost.
// Run with `storage_bench layouts`; the results stand in docs/decisions/0005-storage.md.
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pintle::storage {
namespace {

constexpr int rows = 20000;
constexpr int batch = 32;

struct Layout {
  const char* name;
  const char* pragmas;
  const char* schema;
  const char* find;                // ?1 key; nullptr: the index is in memory
  std::vector<const char*> write;  // ?1 revision, ?2 key, ?3 value, ?4 create revision, ?5 version
};

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void must(sqlite3* db, int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
  std::printf("sqlite: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

std::string key_of(int i) {
  char key[96];
  std::snprintf(key, sizeof key, "/registry/pods/default/web-%016llx",
                static_cast<unsigned long long>((static_cast<uint64_t>(i) + 1) * 0x9e3779b97f4a7c15u));
  return key;
}

void run(const Layout& layout, const std::string& dir) {
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  sqlite3* db = nullptr;
  must(db, sqlite3_open((dir + "/x.db").c_str(), &db));
  must(db, sqlite3_exec(db, layout.pragmas, nullptr, nullptr, nullptr));
  must(db, sqlite3_exec(
               db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2048; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=OFF",
               nullptr, nullptr, nullptr));
  must(db, sqlite3_exec(db, layout.schema, nullptr, nullptr, nullptr));
  int64_t wal_pages = 0;
  sqlite3_wal_hook(
      db,
      [](void* out, sqlite3*, const char*, int pages) {
        *static_cast<int64_t*>(out) = pages;
        return SQLITE_OK;
      },
      &wal_pages);
  std::vector<sqlite3_stmt*> write(layout.write.size());
  for (std::size_t i = 0; i < write.size(); ++i) must(db, sqlite3_prepare_v2(db, layout.write[i], -1, &write[i], nullptr));
  sqlite3_stmt* find = nullptr;
  if (layout.find != nullptr) must(db, sqlite3_prepare_v2(db, layout.find, -1, &find, nullptr));
  std::map<std::string, int64_t> index;
  const std::string value(1500, 'v');
  int64_t revision = 0;
  const int64_t page_bytes = std::string_view(layout.pragmas).find("8192") != std::string_view::npos ? 8192 : 4096;
  for (const bool update : {false, true}) {
    const double cpu = cpu_s();
    const auto start = std::chrono::steady_clock::now();
    int64_t pages = 0;
    for (int i = 0; i < rows;) {
      must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr));
      for (int n = 0; n < batch && i < rows; ++n, ++i) {
        const std::string key = key_of(update ? i * 7919 % rows : i);
        ++revision;
        if (find != nullptr) {
          sqlite3_bind_text(find, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
          must(db, sqlite3_step(find));
          sqlite3_reset(find);
        } else {
          index[key] = revision;
        }
        for (sqlite3_stmt* statement : write) {
          sqlite3_bind_int64(statement, 1, revision);
          sqlite3_bind_text(statement, 2, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
          if (sqlite3_bind_parameter_count(statement) > 2)
            sqlite3_bind_blob(statement, 3, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
          must(db, sqlite3_step(statement));
          sqlite3_reset(statement);
        }
      }
      must(db, sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr));
      if (wal_pages >= 1000) {
        pages += wal_pages;
        must(db, sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr));
        wal_pages = 0;
      }
    }
    pages += wal_pages;
    wal_pages = 0;
    must(db, sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr));
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-46s %-6s %7.0f/s  %6.1f us CPU  %5.2f KB of log a write  file %.1f MiB\n", layout.name, update ? "update" : "create", rows / wall,
                (cpu_s() - cpu) / rows * 1e6, static_cast<double>(pages * page_bytes) / rows / 1024,
                static_cast<double>(std::filesystem::file_size(dir + "/x.db")) / (1 << 20));
    std::fflush(stdout);
  }
  for (sqlite3_stmt* statement : write) sqlite3_finalize(statement);
  sqlite3_finalize(find);
  sqlite3_close(db);
  std::filesystem::remove_all(dir);
}

}  // namespace

void bench_layouts(const std::string& dir) {
  const char* log = "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)";
  const char* append = "INSERT INTO log VALUES(?1, ?2, ?3)";
  const std::vector<Layout> layouts = {
      {"log, index in memory", "PRAGMA auto_vacuum=INCREMENTAL", log, nullptr, {append}},
      {"log, index in memory, no auto_vacuum", "", log, nullptr, {append}},
      {"log, index in memory, 8 KiB pages", "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL", log, nullptr, {append}},
      {"log, index (key, revision) on disk",
       "PRAGMA auto_vacuum=INCREMENTAL",
       "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB); CREATE UNIQUE INDEX by_key ON log(key, revision)",
       "SELECT revision FROM log WHERE key = ?1 ORDER BY revision DESC LIMIT 1",
       {append}},
      {"current by key + history with values",
       "PRAGMA auto_vacuum=INCREMENTAL",
       "CREATE TABLE current(key TEXT PRIMARY KEY, revision INTEGER, value BLOB) WITHOUT ROWID;"
       "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)",
       "SELECT revision FROM current WHERE key = ?1",
       {"INSERT OR REPLACE INTO current VALUES(?2, ?1, ?3)", append}},
      {"current key to revision + log",
       "PRAGMA auto_vacuum=INCREMENTAL",
       "CREATE TABLE current(key TEXT PRIMARY KEY, revision INTEGER) WITHOUT ROWID;"
       "CREATE TABLE log(revision INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB)",
       "SELECT revision FROM current WHERE key = ?1",
       {"INSERT OR REPLACE INTO current VALUES(?2, ?1)", append}},
  };
  for (const Layout& layout : layouts) run(layout, dir);
}

}  // namespace pintle::storage

// Database and Statement: SQLite's handles as values that own and tell errors as a Status that names the file.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "storage/sqlite/vfs.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pintle::storage {

class Database;

// Prepared once, run many times. Used by one thread at a time. Does not outlive its Database.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters are numbered from 1. The text must stay until the statement is reset or bound anew.
  void bind(int parameter, int64_t value);
  void bind_text(int parameter, std::string_view text);
  void bind_blob(int parameter, std::string_view bytes);
  void bind_null(int parameter);
  // True: there is a row.
  Result<bool> step();
  // Runs to the end and resets.
  Result<Unit> run();
  void reset();

  // Columns are numbered from 0; views last until the next step.
  int64_t integer(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

class Database {
 public:
  enum class Access { Read, Write };
  // Opens the file; with Access::Write makes it if it is not there. `vfs` outlives it.
  static Result<std::unique_ptr<Database>> open(const Vfs& vfs, std::string path, Access access = Access::Write);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<Unit> execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  // The first column of the first row.
  Result<int64_t> query_integer(const std::string& sql);
  Result<std::string> query_text(const std::string& sql);

  // Gives back the pages it holds in memory; those it needs again it reads again.
  void release_memory();

  sqlite3* handle() { return handle_; }
  const std::string& path() const { return path_; }
  // What SQLite's last call on this connection complains about, `code` being what it returned.
  Unexpected<Status> failure(int code);

 private:
  Database(const Vfs& vfs, std::string path) : vfs_(vfs), path_(std::move(path)) {}
  const Vfs& vfs_;
  const std::string path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace pintle::storage

#include "storage/sqlite/database.h"

#include <sqlite3.h>

#include "base/check.h"

namespace pintle::storage {

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(statement_, other.statement_);
  return *this;
}
Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::bind(int parameter, int64_t value) { sqlite3_bind_int64(statement_, parameter, value); }
void Statement::bind_text(int parameter, std::string_view text) {
  sqlite3_bind_text(statement_, parameter, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}
void Statement::bind_blob(int parameter, std::string_view bytes) {
  // A null pointer would be NULL, which an empty value is not.
  sqlite3_bind_blob(statement_, parameter, bytes.empty() ? "" : bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
}
void Statement::bind_null(int parameter) { sqlite3_bind_null(statement_, parameter); }

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->failure(code);
}

Result<Unit> Statement::run() {
  Result<bool> row = step();
  while (row && *row) row = step();
  reset();
  if (!row) return Unexpected(std::move(row).error());
  return Unit{};
}

void Statement::reset() { sqlite3_reset(statement_); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Result<std::unique_ptr<Database>> Database::open(const Vfs& vfs, std::string path, Access access) {
  std::unique_ptr<Database> database(new Database(vfs, std::move(path)));
  const int mode = access == Access::Read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(database->path_.c_str(), &database->handle_, flags, vfs.name().c_str());
  if (code != SQLITE_OK) return database->failure(code);
  return database;
}

Database::~Database() {
  const int code = sqlite3_close(handle_);
  CHECK(code == SQLITE_OK, "every statement ends before its database");
}

Result<Unit> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return Unit{};
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  statement.database_ = this;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement.statement_, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return statement;
}

Result<int64_t> Database::query_integer(const std::string& sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  TRY_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<std::string> Database::query_text(const std::string& sql) {
  TRY_ASSIGN(Statement statement, prepare(sql));
  TRY_ASSIGN(const bool row, statement.step());
  return row ? std::string(statement.text(0)) : std::string();
}

void Database::release_memory() { sqlite3_db_release_memory(handle_); }

Unexpected<Status> Database::failure(int code) {
  std::string message = path_ + ": ";
  const int primary = code & 0xff;
  const Status disk = vfs_.last_error();
  if ((primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CANTOPEN) && !disk.message.empty()) {
    message = disk.message.find(path_) == std::string::npos ? message + disk.message : disk.message;
  } else if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
    message += std::string("the database is damaged: ") + sqlite3_errstr(code) + "; restore a backup";
  } else {
    message += handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  }
  return internal(std::move(message));
}

}  // namespace pintle::storage

// Files. All calls block: on an executor's hot path make them through Runtime::run_blocking(). Errors: NotFound,
// AlreadyExists, Forbidden, else InternalError, each with the path and the system's reason; a full disk is
// InternalError with the code 507 (is_disk_full()).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::rt {

struct FileStat {
  uint64_t size_bytes = 0;
  bool directory = false;
  uint32_t mode = 0;  // permission bits
  WallTime modified;
};

struct OpenOptions {
  bool write = false;      // else read only
  bool create = false;     // make it if it is not there
  bool exclusive = false;  // with create: fail if it is there
  bool truncate = false;
  uint32_t mode = 0644;
};

// An open file. Thread-safe as far as the system's pread and pwrite are.
class File {
 public:
  virtual ~File() = default;
  // Bytes read; fewer than asked only at the end of the file.
  virtual Result<std::size_t> read_at(uint64_t offset, std::span<char> out) = 0;
  // Writes everything.
  virtual Result<Unit> write_at(uint64_t offset, std::string_view data) = 0;
  // Writes everything at the end of the file.
  virtual Result<Unit> append(std::string_view data) = 0;
  virtual Result<Unit> truncate(uint64_t size_bytes) = 0;
  virtual Result<uint64_t> size() = 0;
  // Afterwards what was written survives a power cut (a new file's name: sync_directory() too).
  virtual Result<Unit> sync() = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenOptions options) = 0;
  virtual Result<FileStat> stat(const std::string& path) = 0;
  virtual Result<Unit> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<Unit> remove(const std::string& path) = 0;
  // Names (no "." and ".."), sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // Makes `path` and its parents; no error if it is there.
  virtual Result<Unit> make_directories(const std::string& path, uint32_t mode = 0755) = 0;
  // Afterwards the names in `path` (creations, renames, removals) survive a power cut.
  virtual Result<Unit> sync_directory(const std::string& path) = 0;

  bool exists(const std::string& path) { return stat(path).has_value(); }
  // The whole file; RequestEntityTooLarge past `max_bytes`.
  Result<std::string> read(const std::string& path, std::size_t max_bytes = 64 << 20);
  // Replaces the content, not atomically, without sync.
  Result<Unit> write(const std::string& path, std::string_view data, uint32_t mode = 0644);
  // Replaces the file as a whole and durably: a power cut leaves the old content or the new; a failure the old and no more.
  Result<Unit> replace(const std::string& path, std::string_view data, uint32_t mode = 0644);
  Result<Unit> append(const std::string& path, std::string_view data, uint32_t mode = 0644);
};

// The directory part of a path: "a/b" -> "a", "/x" -> "/", "x" -> ".".
std::string parent_path(std::string_view path);
Status disk_full(std::string_view path);
bool is_disk_full(const Status& status);

// Made by Runtime::watch_files(). Used by one task at a time.
class FileWatcher {
 public:
  virtual ~FileWatcher() = default;
  // Waits until something about the watched files changed since the watcher was made or changed() last returned.
  // A change in several steps may be told more than once; read the files and compare.
  virtual Task<Result<Unit>> changed(Context ctx) = 0;
};

}  // namespace pintle::rt

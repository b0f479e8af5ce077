#include "rt/file.h"

namespace pintle::rt {

std::string parent_path(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

constexpr int insufficient_storage = 507;

Status disk_full(std::string_view path) { return {Reason::InternalError, insufficient_storage, std::string(path) + ": no space left on device", {}}; }
bool is_disk_full(const Status& status) { return status.code == insufficient_storage; }

Result<std::string> Disk::read(const std::string& path, std::size_t max_bytes) {
  TRY_ASSIGN(auto file, open(path, {}));
  TRY_ASSIGN(const uint64_t expected, file->size());
  std::string text;
  // Files of /proc and pipes tell no size: read until the end either way.
  std::size_t room = expected + 1;
  while (true) {
    if (text.size() > max_bytes || room > max_bytes + 1)
      return error(Reason::RequestEntityTooLarge, path + ": larger than " + std::to_string(max_bytes) + " bytes");
    const std::size_t have = text.size();
    text.resize(have + room);
    TRY_ASSIGN(const std::size_t got, file->read_at(have, std::span(text).subspan(have)));
    text.resize(have + got);
    if (got < room) return text;
    room = 4096;
  }
}

Result<Unit> Disk::write(const std::string& path, std::string_view data, uint32_t mode) {
  TRY_ASSIGN(auto file, open(path, {.write = true, .create = true, .truncate = true, .mode = mode}));
  return file->write_at(0, data);
}

Result<Unit> Disk::append(const std::string& path, std::string_view data, uint32_t mode) {
  TRY_ASSIGN(auto file, open(path, {.write = true, .create = true, .mode = mode}));
  return file->append(data);
}

namespace {

constexpr int leftovers_max = 8;

// A file that was not there before: what lies at the name (of a write that was cut short, or a link that somebody put there) goes
// and is never written through.
Result<std::unique_ptr<File>> open_new(Disk& disk, const std::string& path, uint32_t mode) {
  for (int tries = 1;; ++tries) {
    auto file = disk.open(path, {.write = true, .create = true, .exclusive = true, .mode = mode});
    if (file || file.error().reason != Reason::AlreadyExists || tries == leftovers_max) return file;
    TRY(disk.remove(path));
  }
}

Result<Unit> write_synced(Disk& disk, const std::string& path, std::string_view data, uint32_t mode) {
  TRY_ASSIGN(auto file, open_new(disk, path, mode));
  TRY(file->write_at(0, data));
  return file->sync();
}

}  // namespace

Result<Unit> Disk::replace(const std::string& path, std::string_view data, uint32_t mode) {
  const std::string temporary = path + ".tmp";
  auto done = write_synced(*this, temporary, data, mode);
  if (done) done = rename(temporary, path);
  if (done) return sync_directory(parent_path(path));
  (void)remove(temporary);
  return done;
}

}  // namespace pintle::rt

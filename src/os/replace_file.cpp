#include "os/replace_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr int name_tries_max = 8;

Result<std::string> random_suffix() {
  uint64_t bytes[2];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return system_error(errno, "getrandom");
  char text[2 * 16 + 1];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(bytes[0]), static_cast<unsigned long long>(bytes[1]));
  return std::string(text);
}

Result<UniqueFd> open_new(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return system_error(errno, path);
  return fd;
}

Result<Unit> fill(const UniqueFd& fd, const std::string& path, std::string_view data, uint32_t mode) {
  while (!data.empty()) {
    const ssize_t put = ::write(fd.get(), data.data(), data.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error(errno, path);
    data.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fchmod(fd.get(), mode & 07777) != 0) return system_error(errno, path);
  return Unit{};
}

Result<Unit> sync_parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const UniqueFd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, parent);
  return Unit{};
}

Result<Unit> write_and_rename(const UniqueFd& fd, const std::string& temporary, const std::string& path, std::string_view data, uint32_t mode,
                              Durability durability) {
  TRY(fill(fd, temporary, data, mode));
  if (durability == Durability::Synced && ::fsync(fd.get()) != 0) return system_error(errno, temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(errno, path);
  return Unit{};
}

}  // namespace

Result<Unit> replace_file(const std::string& path, std::string_view data, uint32_t mode, Durability durability) {
  for (int tries = 1;; ++tries) {
    TRY_ASSIGN(const std::string suffix, random_suffix());
    const std::string temporary = path + "." + suffix + ".tmp";
    const auto fd = open_new(temporary);
    if (!fd && fd.error().reason == Reason::AlreadyExists && tries < name_tries_max) continue;
    if (!fd) return Unexpected(fd.error());
    auto done = write_and_rename(*fd, temporary, path, data, mode, durability);
    if (!done) ::unlink(temporary.c_str());
    if (!done || durability == Durability::Whole) return done;
    return sync_parent(path);
  }
}

Result<Unit> create_file(const std::string& path, std::string_view data, uint32_t mode) {
  TRY_ASSIGN(const UniqueFd fd, open_new(path));
  auto done = fill(fd, path, data, mode);
  if (!done) ::unlink(path.c_str());
  return done;
}

}  // namespace pintle::os

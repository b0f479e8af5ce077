#include "os/block_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "os/entries.h"
#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

Result<bool> zeros_at(const UniqueFd& fd, off_t from, std::size_t size) {
  std::vector<char> buffer(size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd.get(), buffer.data() + got, size - got, from + static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "read");
    if (n == 0) return error(Reason::InternalError, "the device ended early");
    got += static_cast<std::size_t>(n);
  }
  return std::ranges::all_of(buffer, [](char c) { return c == 0; });
}

}  // namespace

std::string device_numbers(const BlockDevice& device) { return std::to_string(major(device.number)) + ":" + std::to_string(minor(device.number)); }

Result<std::optional<BlockDevice>> block_device_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, path);
  if (!S_ISBLK(info.st_mode)) return std::optional<BlockDevice>();
  TRY_ASSIGN(std::string real, real_path(path));
  return std::optional<BlockDevice>(BlockDevice{std::move(real), info.st_rdev});
}

Result<bool> is_device_in_use(const std::string& device) {
  const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
  if (fd) return false;
  if (errno == EBUSY) return true;
  return system_error(errno, device);
}

Result<bool> is_blank(const std::string& device, std::size_t bytes) {
  const UniqueFd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, device);
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  if (size < 0) return system_error(errno, device);
  const std::size_t part = std::min(static_cast<std::size_t>(size), bytes);
  TRY_ASSIGN(const bool first, zeros_at(fd, 0, part));
  if (!first) return false;
  return zeros_at(fd, size - static_cast<off_t>(part), part);
}

}  // namespace pintle::os

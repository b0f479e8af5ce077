#include "os/image_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr std::size_t piece_bytes = 1 << 20;

Result<UniqueFd> open_image(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return system_error(errno, path);
  return fd;
}

Result<Unit> copy_piece(int from, int to, off_t at, std::vector<char>& buffer, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(from, buffer.data(), std::min(size, buffer.size()), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read");
    if (got == 0) return Unit{};  // it was cut meanwhile
    for (ssize_t put = 0; put < got;) {
      const ssize_t n = ::pwrite(to, buffer.data() + put, static_cast<std::size_t>(got - put), at + put);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error(errno, "write");
      put += n;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return Unit{};
}

Result<Unit> copy_data(int from, int to, off_t size, const std::function<bool()>& enough) {
  std::vector<char> buffer(piece_bytes);
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // holes only
    if (data < 0) return system_error(errno, "seek");
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return system_error(errno, "seek");
    for (at = data; at < hole; at += static_cast<off_t>(piece_bytes)) {
      if (enough && enough()) return error(Reason::Timeout, "the copy was stopped");
      TRY(copy_piece(from, to, at, buffer, static_cast<std::size_t>(std::min<off_t>(hole - at, piece_bytes))));
    }
    at = hole;
  }
  return Unit{};
}

Result<Unit> fill_clone(int from, int to, const std::function<bool()>& enough) {
  // What a loop device wrote past its own cache is in the file already; what it did not, goes there now.
  if (::fsync(from) != 0) return system_error(errno, "fsync");
  if (::ioctl(to, FICLONE, from) == 0) return Unit{};
  struct stat info {};
  if (::fstat(from, &info) != 0) return system_error(errno, "stat");
  if (::ftruncate(to, info.st_size) != 0) return system_error(errno, "truncate");
  return copy_data(from, to, info.st_size, enough);
}

}  // namespace

Result<Unit> make_image(const std::string& path, uint64_t size_bytes) {
  TRY_ASSIGN(const UniqueFd fd, open_image(path, O_RDWR | O_CREAT | O_EXCL));
  if (::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) == 0) return Unit{};
  const int failed = errno;
  ::unlink(path.c_str());
  return system_error(failed, path);
}

Result<Unit> grow_image(const std::string& path, uint64_t size_bytes) {
  TRY_ASSIGN(const UniqueFd fd, open_image(path, O_RDWR));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error(errno, path);
  if (static_cast<uint64_t>(info.st_size) < size_bytes && ::ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0)
    return system_error(errno, path);
  if (::fsync(fd.get()) != 0) return system_error(errno, path);
  return Unit{};
}

Result<Unit> clone_image(const std::string& source, const std::string& target, const std::function<bool()>& enough) {
  TRY_ASSIGN(const UniqueFd from, open_image(source, O_RDONLY));
  TRY_ASSIGN(const UniqueFd to, open_image(target, O_RDWR | O_CREAT | O_EXCL));
  Result<Unit> done = fill_clone(from.get(), to.get(), enough);
  if (done && ::fsync(to.get()) != 0) done = system_error(errno, target);
  if (!done) ::unlink(target.c_str());
  return done;
}

bool can_share_blocks(const std::string& directory) {
  const UniqueFd from(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)),
      to(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return from && to && ::ioctl(to.get(), FICLONE, from.get()) == 0;
}

}  // namespace pintle::os

#include "rt/real/real_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace pintle::rt {

namespace {

Unexpected<Status> file_error(const std::string& path, int error_number) {
  if (error_number == ENOSPC) return Unexpected(disk_full(path));
  Reason reason = Reason::InternalError;
  if (error_number == ENOENT || error_number == ENOTDIR) reason = Reason::NotFound;
  if (error_number == EEXIST || error_number == ENOTEMPTY) reason = Reason::AlreadyExists;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) reason = Reason::Forbidden;
  std::string text = std::strerror(error_number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return error(reason, path + ": " + text);
}

class RealFile final : public File {
 public:
  RealFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~RealFile() override { ::close(fd_); }

  Result<std::size_t> read_at(uint64_t offset, std::span<char> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return file_error(path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }
  Result<Unit> write_at(uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t put = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return file_error(path_, errno);
      data.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return Unit{};
  }
  Result<Unit> append(std::string_view data) override {
    TRY_ASSIGN(const uint64_t end, size());
    return write_at(end, data);
  }
  Result<Unit> truncate(uint64_t size_bytes) override {
    if (::ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0) return file_error(path_, errno);
    return Unit{};
  }
  Result<uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return file_error(path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }
  Result<Unit> sync() override {
    if (::fdatasync(fd_) != 0) return file_error(path_, errno);
    return Unit{};
  }

 private:
  std::string path_;
  int fd_;
};

}  // namespace

Result<std::unique_ptr<File>> RealDisk::open(const std::string& path, OpenOptions options) {
  int flags = O_CLOEXEC | (options.write ? O_RDWR : O_RDONLY);
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  // A FIFO would wait for its other end; to a file it makes no difference.
  const int fd = ::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY, static_cast<mode_t>(options.mode));
  if (fd < 0) return file_error(path, errno);
  auto file = std::make_unique<RealFile>(path, fd);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return file_error(path, errno);
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) return error(Reason::Forbidden, path + ": not a file");
  return file;
}

Result<FileStat> RealDisk::stat(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error(path, errno);
  FileStat out;
  out.size_bytes = static_cast<uint64_t>(info.st_size);
  out.directory = S_ISDIR(info.st_mode);
  out.mode = info.st_mode & 07777;
  out.modified = WallTime(std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec));
  return out;
}

Result<Unit> RealDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return file_error(from, errno);
  return Unit{};
}

Result<Unit> RealDisk::remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return Unit{};
  if ((errno == EISDIR || errno == EPERM) && ::rmdir(path.c_str()) == 0) return Unit{};
  return file_error(path, errno);
}

Result<std::vector<std::string>> RealDisk::list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (!directory) return file_error(path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  std::ranges::sort(names);
  return names;
}

Result<Unit> RealDisk::make_directories(const std::string& path, uint32_t mode) {
  if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return Unit{};
  if (errno == ENOENT && parent_path(path) != path) {
    TRY(make_directories(parent_path(path), mode));
    if (::mkdir(path.c_str(), static_cast<mode_t>(mode)) == 0) return Unit{};
  }
  if (errno != EEXIST) return file_error(path, errno);
  TRY_ASSIGN(const FileStat info, stat(path));
  if (!info.directory) return file_error(path, ENOTDIR);
  return Unit{};
}

Result<Unit> RealDisk::sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error(path, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return file_error(path, failed);
  return Unit{};
}

}  // namespace pintle::rt

#include "os/socket_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "os/system_error.h"

namespace pintle::os {

namespace {

UniqueFd open_below(int root, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd;
  do fd = static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
  while (fd < 0 && errno == EAGAIN);  // a rename raced with the look-up
  return UniqueFd(fd);
}

constexpr unsigned wanted = STATX_TYPE | STATX_INO | STATX_CTIME | STATX_BTIME;

SocketIdentity identity_of(const struct statx& info) {
  const statx_timestamp& born = (info.stx_mask & STATX_BTIME) != 0 ? info.stx_btime : info.stx_ctime;
  return {(uint64_t{info.stx_dev_major} << 32) | info.stx_dev_minor, info.stx_ino, born.tv_sec * 1'000'000'000 + born.tv_nsec};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// What lies in one directory, added to `out`; new directories at its end.
void look_into(int root, const std::string& at, const SocketSearch& search, std::size_t& names, FoundSockets& out) {
  UniqueFd fd = open_below(root, at.empty() ? "." : at, O_RDONLY | O_DIRECTORY);
  if (!fd) return;  // gone meanwhile, or not to be read
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
  if (!directory) return;
  const int directory_fd = fd.release();
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    if (++names > search.names_max) {
      out.cut = true;
      return;
    }
    struct statx info {};
    if (::statx(directory_fd, entry->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, wanted, &info) != 0) continue;
    std::string path = at.empty() ? entry->d_name : at + "/" + entry->d_name;
    if (S_ISSOCK(info.stx_mode)) {
      if (out.sockets.size() < search.sockets_max) {
        out.sockets.push_back({std::move(path), identity_of(info)});
      } else {
        out.cut = true;
      }
    } else if (S_ISDIR(info.stx_mode)) {
      if (out.directories.size() < search.directories_max) {
        out.directories.push_back(std::move(path));
      } else {
        out.cut = true;
      }
    }
  }
}

}  // namespace

Result<FoundSockets> find_sockets(const std::string& root, const SocketSearch& search) {
  const UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return system_error(errno, root);
  FoundSockets out;
  std::size_t names = 0;
  look_into(top.get(), "", search, names, out);
  for (std::size_t i = 0; i < out.directories.size() && names <= search.names_max; ++i) {
    const std::string directory = out.directories[i];
    look_into(top.get(), directory, search, names, out);
  }
  std::ranges::sort(out.sockets, {}, &FoundSocket::path);
  return out;
}

Result<OpenSocketFile> open_socket_below(const std::string& root, std::string_view path) {
  const UniqueFd top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return system_error(errno, root);
  OpenSocketFile out;
  out.fd = open_below(top.get(), std::string(path), O_PATH);
  if (!out.fd && (errno == ELOOP || errno == EXDEV)) return error(Reason::Forbidden, std::string(path) + ": leads elsewhere");
  if (!out.fd) return system_error(errno, path);
  struct statx info {};
  if (::statx(out.fd.get(), "", AT_EMPTY_PATH, wanted, &info) != 0) return system_error(errno, path);
  if (!S_ISSOCK(info.stx_mode)) return error(Reason::Forbidden, std::string(path) + ": not a socket");
  out.identity = identity_of(info);
  return out;
}

}  // namespace pintle::os

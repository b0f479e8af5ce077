// Unix sockets below a directory that others write into: found, told apart, and named for connect(2) without following a link.
// Callable from any thread; blocks for a few system calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "os/fd.h"

namespace pintle::os {

// Which file it is: a socket that was made again at the same path is another, also where the file system uses an inode's number again.
struct SocketIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t born_ns = 0;  // of its status' last change where the file system knows no birth
  bool operator==(const SocketIdentity&) const = default;
};

struct FoundSocket {
  std::string path;  // below the root
  SocketIdentity identity;
};

// At most so much is looked at; the rest is as if it were not there.
struct SocketSearch {
  std::size_t sockets_max = 256;
  std::size_t directories_max = 64;
  std::size_t names_max = 4096;  // of all directories
};

struct FoundSockets {
  std::vector<FoundSocket> sockets;      // by path
  std::vector<std::string> directories;  // below the root, without it
  bool cut = false;                      // a limit was met
};

// The sockets in `root` and the directories below it, parents first. Names that begin with a dot are left out; links are not followed.
// NotFound if `root` is not there.
Result<FoundSockets> find_sockets(const std::string& root, const SocketSearch& search = {});

struct OpenSocketFile {
  UniqueFd fd;  // O_PATH: fd_path(fd) is what to connect to, for as long as it is open
  SocketIdentity identity;
};
// Forbidden if it is no socket, or if a link, a mount of /proc's kind or ".." is on its way.
Result<OpenSocketFile> open_socket_below(const std::string& root, std::string_view path);

}  // namespace pintle::os

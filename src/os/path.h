// Files inside a directory whose content somebody else controls (a volume that a container writes): nothing in it, no
// symbolic link and no "..", leads out of it. Built on openat2(2) with RESOLVE_BENEATH or RESOLVE_IN_ROOT. Callable from
// any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/fd.h"

namespace pintle::os {

// Opens `path` inside `root`, with O_PATH: symbolic links are followed as if `root` were "/". NotFound if it is not there.
Result<UniqueFd> open_in_root(const std::string& root, std::string_view path);
// Makes the directories of `path` inside `root` that are missing, with `mode` whatever the umask, and opens the last.
// Existing links on the way are followed inside the root. Conflict (a file is in the way) becomes InternalError.
Result<UniqueFd> make_directories_in_root(const std::string& root, std::string_view path, uint32_t mode);
// Where the descriptor leads, for calls that take a path: /proc/self/fd/N.
std::string fd_path(int fd);

struct FileOwner {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

// Calls `visit` for `root` and all below it, parents first, not following links and not crossing into other mounts.
// `dir_fd` and `name` name the file for the *at() calls.
struct TreeEntry {
  int dir_fd;
  const char* name;
  uint32_t mode;       // with the file type
  uid_t uid;
  gid_t gid;
};
Result<Unit> visit_tree(const std::string& root, const std::function<Result<Unit>(const TreeEntry&)>& visit);
// Removes `path` with all below it, not following links. Stops with Conflict at a mount point: what is mounted there is
// never removed. No error if it is not there.
Result<Unit> remove_tree(const std::string& path);
// Changes the mode or the owner of a path, following links.
Result<Unit> set_mode(const std::string& path, uint32_t mode);
Result<Unit> set_owner(const std::string& path, FileOwner owner);
// mkdir with exactly `mode`; no error if it is a directory already (its mode stays).
Result<Unit> make_directory(const std::string& path, uint32_t mode);
// Its parents too, each with `mode`.
Result<Unit> make_directories(const std::string& path, uint32_t mode);

// Bytes and files used by a tree, as du counts them.
struct TreeUsage {
  uint64_t bytes = 0;
  uint64_t inodes = 0;
};
Result<TreeUsage> tree_usage(const std::string& root);

}  // namespace pintle::os

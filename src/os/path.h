// Files inside a directory whose content somebody else controls (a volume that a container writes): nothing in it, no
// symbolic link and no "..", leads out of it. Built on openat2(2) with RESOLVE_BENEATH. Callable from any thread.
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

// Opens `path` below `root`, with O_PATH. Symbolic links are followed as long as they stay below it; Forbidden for what leads out, NotFound if it is
// not there.
Result<UniqueFd> open_below(const std::string& root, std::string_view path);
// Makes the directories of `path` below `root` that are missing, with `mode` whatever the umask, and opens the last.
// Existing links on the way are followed as open_below() does. Conflict (a file is in the way) becomes InternalError.
Result<UniqueFd> make_directories_below(const std::string& root, std::string_view path, uint32_t mode);
// Opens the file at `path` below `root` for reading, if it is a regular one: on its way there is no symbolic link, no mount of /proc's
// kind and no "..". A FIFO, a socket or a device is never opened (Forbidden), so this neither waits nor acts on one. With
// `directories`, a directory is opened too. What leads out or is a link is Forbidden.
Result<UniqueFd> open_regular_below(const std::string& root, std::string_view path, bool directories = false);
// The same, but symbolic links are followed as open_below() does.
Result<UniqueFd> open_regular_through_links_below(const std::string& root, std::string_view path);
// The same for a path whose directories are trusted; the last name is no link.
Result<UniqueFd> open_regular(const std::string& path);
// Where the descriptor leads, for calls that take a path: /proc/self/fd/N.
std::string fd_path(int fd);

struct FileOwner {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

// Trees whose content somebody else makes: of any width, and as deep as `tree_depth_max`. A walk holds at most tree_open_max + 2
// descriptors, a block of names for each of these, and 32 bytes for each level below; it never follows a link, never crosses
// into what is mounted inside, and opens nothing but directories.
constexpr std::size_t tree_depth_max = 1'000'000;  // past it a walk fails; a removal knows no depth
constexpr std::size_t tree_open_max = 64;
constexpr std::size_t tree_linked_max = 100'000;  // files with several names that tree_usage() tells apart

// `dir_fd` and `name` name the file for the *at() calls.
struct TreeEntry {
  int dir_fd;
  const char* name;
  uint32_t mode;  // with the file type
  uid_t uid;
  gid_t gid;
  uint32_t links = 1;
  uint64_t inode = 0;
  uint64_t device = 0;
  uint64_t bytes = 0;  // on the disk
};
// Calls `visit` for `root` and all below it, parents first. What goes or comes meanwhile is visited or not; Conflict when a directory
// below tree_open_max was moved away while it was read.
Result<Unit> visit_tree(const std::string& root, const std::function<Result<Unit>(const TreeEntry&)>& visit);
// Removes `path` with all below it. Stops with Conflict at a mount point: what is mounted there is never removed. What the file system
// refuses to let go (immutable, in use) stays, with its directories, and the first such error is returned when all else is gone.
// Directories deeper than tree_open_max are moved up to the top and removed from there. No error if it is not there.
// `enough`, asked now and then, ends it early with Timeout: what is gone is gone, and another call goes on. May be empty.
Result<Unit> remove_tree(const std::string& path, const std::function<bool()>& enough = {});
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
  std::optional<Status> failed;  // why it could not be read to its end: the numbers are what it uses at least
};
// NotFound if `root` is not there. Past tree_linked_max, a file with N names counts an Nth for each that is met. `enough`, asked now and
// then, ends it early with Timeout in `failed`; may be empty.
Result<TreeUsage> tree_usage(const std::string& root, const std::function<bool()>& enough = {});

}  // namespace pintle::os

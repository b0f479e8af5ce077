// Mounts. Callable from any thread; each call blocks for its system calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::os {

// A row of /proc/thread-self/mountinfo.
struct MountEntry {
  int id = 0;
  int parent_id = 0;
  std::string device;  // "8:1"
  std::string root;    // the part of the file system that is mounted
  std::string mount_point;
  std::string options;   // per mount: "rw,nosuid"
  std::string optional;  // "shared:1 master:2"; "" private
  std::string fs_type;
  std::string source;
  std::string super_options;

  bool has_option(std::string_view option) const;        // in options
  bool has_super_option(std::string_view option) const;  // in super_options
};

// Rows that cannot be read are left out (the kernel writes none).
std::vector<MountEntry> parse_mount_info(std::string_view text);
// Of the calling thread, in the order in which they were mounted.
Result<std::vector<MountEntry>> mount_table();

struct MountRequest {
  std::string source;
  std::string target;       // exists
  std::string fs_type;      // "" for a bind mount
  unsigned long flags = 0;  // MS_*
  std::string data;         // "size=1048576"
};
Result<Unit> mount(const MountRequest& request);
// tmpfs with the given size limit in bytes (0: the kernel's default, half of the memory) and mode.
Result<Unit> mount_tmpfs(const std::string& target, uint64_t size_bytes, uint32_t mode);
// A (recursive) bind mount; read-only takes a second step, as the kernel ignores the flag at first.
Result<Unit> bind_mount(const std::string& source, const std::string& target, bool read_only, bool recursive);
// Puts `directory` on a shared mount: what is mounted below it is seen by every copy of it, as containers want that mount there. One
// that lies on a private mount becomes a mount of its own, and what is mounted below moves along: left under it, it could be neither
// reached nor removed. Nothing is done where it is shared already. True: it became a mount of its own now.
Result<bool> share_mounts(const std::string& directory);
// Unmounts what is on top; with `lazy` even when it is in use. Success if nothing is mounted there.
Result<Unit> unmount(const std::string& target, bool lazy = false);
// Whether `path` is a mount point.
Result<bool> is_mount_point(const std::string& path);
// Every mount point at or below `path`, deepest last mounted first: the order in which to unmount them.
Result<std::vector<std::string>> mounts_below(const std::string& path);

}  // namespace pintle::os

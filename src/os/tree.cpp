// Walks of trees: their order is a stack of open directories, and nothing grows with their width.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "os/path.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr std::size_t names_block_bytes = 32 << 10;
constexpr uint64_t entries_between_looks = 1024;    // at the clock
constexpr uint64_t removals_between_looks = 1024;   // more than it takes to come down again to where an earlier call stopped
constexpr std::size_t removal_open_max = 512;       // where directories cannot be moved up
constexpr std::size_t removal_passes_max = 16'384;  // over one directory in which new names keep coming
constexpr std::size_t removal_failures_max = 100;   // then the rest stays for another try

// The layout of getdents64(2).
struct DirectoryRecord {
  uint64_t inode;
  int64_t next;
  uint16_t bytes;
  uint8_t type;
  char name[1];
};

// A directory's names, a block at a time.
class DirectoryReader {
 public:
  explicit DirectoryReader(UniqueFd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  UniqueFd take_fd() { return std::move(fd_); }
  // From the beginning, or from a position.
  Result<Unit> seek(int64_t position) {
    at_ = size_ = 0;
    position_ = position;
    if (::lseek(fd_.get(), position, SEEK_SET) < 0) return system_error(errno, "directory");
    return Unit{};
  }
  int64_t position() const { return position_; }
  // nullptr at the end. Valid until the next call.
  Result<const char*> next() {
    while (true) {
      if (at_ == size_) {
        if (!block_) block_ = std::make_unique_for_overwrite<char[]>(names_block_bytes);
        const long got = ::syscall(SYS_getdents64, fd_.get(), block_.get(), names_block_bytes);
        if (got < 0) return system_error(errno, "directory");
        if (got == 0) return nullptr;
        at_ = 0;
        size_ = static_cast<std::size_t>(got);
      }
      const char* record = block_.get() + at_;
      uint16_t bytes;
      std::memcpy(&bytes, record + offsetof(DirectoryRecord, bytes), sizeof bytes);
      std::memcpy(&position_, record + offsetof(DirectoryRecord, next), sizeof position_);
      type_ = static_cast<uint8_t>(record[offsetof(DirectoryRecord, type)]);
      at_ += bytes;
      const char* name = record + offsetof(DirectoryRecord, name);
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) return name;
    }
  }
  // Of the last name: it may be a directory, as far as the directory itself knows.
  bool may_be_directory() const { return type_ == DT_DIR || type_ == DT_UNKNOWN; }

 private:
  UniqueFd fd_;
  std::unique_ptr<char[]> block_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  int64_t position_ = 0;  // behind the last name
  uint8_t type_ = DT_UNKNOWN;
};

// Of one name, the directory itself: EXDEV if something is mounted there, ELOOP or ENOTDIR if it is none (any more).
UniqueFd open_child(int dir_fd, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd;
  do fd = static_cast<int>(::syscall(SYS_openat2, dir_fd, name, &how, sizeof how));
  while (fd < 0 && errno == EAGAIN);
  return UniqueFd(fd);
}

bool is_gone(int error_number) { return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP; }

// 0, or errno.
int look(int dir_fd, const char* name, struct statx& out) {
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);
  return ::statx(dir_fd, name, flags, STATX_BASIC_STATS, &out) == 0 ? 0 : errno;
}
bool is_mount_root(const struct statx& info) { return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0; }
uint64_t device_of(const struct statx& info) { return makedev(info.stx_dev_major, info.stx_dev_minor); }

TreeEntry entry_of(int dir_fd, const char* name, const struct statx& info) {
  TreeEntry out{dir_fd, name, info.stx_mode, info.stx_uid, info.stx_gid};
  out.links = info.stx_nlink;
  out.inode = info.stx_ino;
  out.device = device_of(info);
  out.bytes = info.stx_blocks * 512;
  return out;
}

// A directory on the way down. The first tree_open_max stay open; of those below, the one that is read.
struct Visited {
  std::unique_ptr<DirectoryReader> reader;  // null: closed meanwhile
  uint64_t inode = 0;
  uint64_t device = 0;
  int64_t position = 0;
};

class Walk {
 public:
  explicit Walk(const std::function<Result<Unit>(const TreeEntry&)>& visit) : visit_(visit) {}

  Result<Unit> run(const std::string& root) {
    struct statx info {};
    if (const int failed = look(AT_FDCWD, root.c_str(), info)) return system_error(failed, root);
    TRY(visit_(entry_of(AT_FDCWD, root.c_str(), info)));
    if (!S_ISDIR(info.stx_mode)) return Unit{};
    UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return system_error(errno, root);
    push(std::move(fd), info);
    while (!stack_.empty()) TRY(step());
    return Unit{};
  }

 private:
  Result<Unit> step() {
    DirectoryReader& reader = *stack_.back().reader;
    TRY_ASSIGN(const char* name, reader.next());
    if (!name) return pop();
    struct statx info {};
    if (const int failed = look(reader.fd(), name, info)) {
      if (is_gone(failed)) return Unit{};
      return system_error(failed, name);
    }
    if (is_mount_root(info)) return Unit{};
    TRY(visit_(entry_of(reader.fd(), name, info)));
    if (!S_ISDIR(info.stx_mode)) return Unit{};
    UniqueFd child = open_child(reader.fd(), name);
    if (!child && (is_gone(errno) || errno == EXDEV)) return Unit{};  // changed meanwhile
    if (!child) return system_error(errno, name);
    if (stack_.size() >= tree_depth_max)
      return error(Reason::RequestEntityTooLarge, "directories are nested more than " + std::to_string(tree_depth_max) + " deep");
    // Not `info`: another directory may have taken the name.
    if (const int failed = look(child.get(), "", info)) return system_error(failed, "directory");
    push(std::move(child), info);
    return Unit{};
  }

  void push(UniqueFd fd, const struct statx& info) {
    if (stack_.size() > tree_open_max) {
      stack_.back().position = stack_.back().reader->position();
      stack_.back().reader.reset();
    }
    stack_.push_back({std::make_unique<DirectoryReader>(std::move(fd)), info.stx_ino, device_of(info), 0});
  }

  // Back to the parent, through ".." if it was closed: only to the very directory that was left.
  Result<Unit> pop() {
    const UniqueFd left = stack_.back().reader->take_fd();
    stack_.pop_back();
    if (stack_.empty() || stack_.back().reader) return Unit{};
    Visited& parent = stack_.back();
    UniqueFd fd(::openat(left.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return system_error(errno, "..");
    struct statx info {};
    if (const int failed = look(fd.get(), "", info)) return system_error(failed, "..");
    if (info.stx_ino != parent.inode || device_of(info) != parent.device) return error(Reason::Conflict, "a directory was moved while it was read");
    parent.reader = std::make_unique<DirectoryReader>(std::move(fd));
    return parent.reader->seek(parent.position);
  }

  const std::function<Result<Unit>(const TreeEntry&)>& visit_;
  std::vector<Visited> stack_;
};

class Removal {
 public:
  Removal(const std::string& path, const std::function<bool()>& enough) : path_(path), enough_(enough) {}

  Result<Unit> run() {
    struct statx info {};
    if (const int failed = look(AT_FDCWD, path_.c_str(), info)) {
      if (failed == ENOENT) return Unit{};
      return system_error(failed, path_);
    }
    if (is_mount_root(info)) return mounted(path_);
    if (!S_ISDIR(info.stx_mode)) {
      if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return system_error(errno, path_);
      return Unit{};
    }
    UniqueFd top(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!top) return system_error(errno, path_);
    if (look(top.get(), "", info) == 0 && is_mount_root(info)) return mounted(path_);
    stack_.emplace_back(std::move(top), path_);
    for (uint64_t steps = 1; !stack_.empty(); ++steps) {
      TRY(step());
      if (steps % removals_between_looks == 0 && enough_ && enough_()) return error(Reason::Timeout, path_ + ": there is more to remove");
    }
    if (first_failure_) return Unexpected(std::move(*first_failure_));
    return Unit{};
  }

 private:
  struct Level {
    Level(UniqueFd fd, std::string own_name) : reader(std::move(fd)), name(std::move(own_name)) {}
    DirectoryReader reader;
    std::string name;
    std::size_t passes = 0;
    std::vector<std::string> failed;  // names that stay
  };

  static Unexpected<Status> mounted(const std::string& shown) { return error(Reason::Conflict, shown + ": something is mounted there"); }
  std::string shown(std::string_view name) const {
    std::string out;
    for (const Level& level : stack_) out += level.name + "/";
    return out.append(name);
  }

  Result<Unit> step() {
    Level& level = stack_.back();
    TRY_ASSIGN(const char* name, level.reader.next());
    if (!name) return end_of_pass();
    if (!level.failed.empty() && std::ranges::find(level.failed, name) != level.failed.end()) return Unit{};
    const int dir = level.reader.fd();
    if (!level.reader.may_be_directory()) {
      if (::unlinkat(dir, name, 0) == 0 || errno == ENOENT) return Unit{};
      if (errno == EBUSY) return mounted(shown(name));
      if (errno != EISDIR) return failed(name, errno);
    }
    UniqueFd child = open_child(dir, name);
    if (!child && errno == EXDEV) return mounted(shown(name));
    if (!child && is_gone(errno)) {
      if (::unlinkat(dir, name, 0) != 0 && errno != ENOENT && errno != EISDIR) return failed(name, errno);
      return Unit{};
    }
    if (!child) return failed(name, errno);
    if (stack_.size() >= tree_open_max && move_to_top(dir, name)) return Unit{};
    if (stack_.size() >= removal_open_max) return failed(name, ELOOP);
    std::string own_name(name);
    stack_.emplace_back(std::move(child), std::move(own_name));
    return Unit{};
  }

  bool move_to_top(int dir, const char* name) {
    for (int tries = 0; tries < 100; ++tries) {
      const std::string target = ".pintle-removed-" + std::to_string(moved_++);
      if (::renameat2(dir, name, stack_.front().reader.fd(), target.c_str(), RENAME_NOREPLACE) == 0) return true;
      if (errno != EEXIST) return false;
    }
    return false;
  }

  // The directory has been read to its end: it goes, unless something in it stays or came meanwhile.
  Result<Unit> end_of_pass() {
    Level& level = stack_.back();
    const bool top = stack_.size() == 1;
    const int parent = top ? AT_FDCWD : stack_[stack_.size() - 2].reader.fd();
    int why = 0;
    if (level.failed.empty()) {
      // Closed first: file systems keep book of directories that are removed while they are open.
      if (!top) (void)level.reader.take_fd();
      if (::unlinkat(parent, level.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) why = errno;
      if ((why == ENOTEMPTY || why == EEXIST) && ++level.passes < removal_passes_max) return top ? level.reader.seek(0) : read_again(level, parent);
    }
    const bool stays = why != 0 || !level.failed.empty();
    if (why == EBUSY) return mounted(shown(""));
    const std::string name = std::move(level.name);
    stack_.pop_back();
    if (!stays) return Unit{};
    if (!top) return failed(name.c_str(), why);
    if (why != 0) note(name, why);
    return Unit{};
  }

  // New names have come into a directory that was closed.
  Result<Unit> read_again(Level& level, int parent) {
    UniqueFd fd = open_child(parent, level.name.c_str());
    if (!fd) return system_error(errno, shown(""));
    level.reader = DirectoryReader(std::move(fd));
    return Unit{};
  }

  // The name stays in the directory at hand. `why` 0: for what is in it.
  Result<Unit> failed(const char* name, int why) {
    if (why != 0) note(shown(name), why);
    stack_.back().failed.emplace_back(name);
    if (++failures_ < removal_failures_max) return Unit{};
    return Unexpected(*first_failure_);
  }
  void note(const std::string& shown, int why) {
    if (!first_failure_) first_failure_ = system_status(why, shown);
  }

  const std::string path_;
  const std::function<bool()>& enough_;
  std::vector<Level> stack_;
  std::optional<Status> first_failure_;
  std::size_t failures_ = 0;
  uint64_t moved_ = 0;
};

}  // namespace

Result<Unit> visit_tree(const std::string& root, const std::function<Result<Unit>(const TreeEntry&)>& visit) { return Walk(visit).run(root); }

Result<Unit> remove_tree(const std::string& path, const std::function<bool()>& enough) { return Removal(path, enough).run(); }

Result<TreeUsage> tree_usage(const std::string& root, const std::function<bool()>& enough) {
  TreeUsage out;
  std::set<std::pair<uint64_t, uint64_t>> linked;  // files with several names count once
  auto walked = visit_tree(root, [&](const TreeEntry& entry) -> Result<Unit> {
    uint64_t names = 1;
    if (entry.links > 1 && !S_ISDIR(entry.mode)) {
      if (linked.contains({entry.device, entry.inode})) return Unit{};
      if (linked.size() < tree_linked_max)
        linked.emplace(entry.device, entry.inode);
      else
        names = entry.links;
    }
    out.bytes += (entry.bytes + names - 1) / names;
    if (++out.inodes % entries_between_looks == 0 && enough && enough()) return error(Reason::Timeout, "counting files took too long");
    return Unit{};
  });
  if (walked) return out;
  if (walked.error().reason == Reason::NotFound && out.inodes == 0) return Unexpected(std::move(walked).error());
  out.failed = std::move(walked).error();
  return out;
}

}  // namespace pintle::os

#include "os/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>

#include "os/fd.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

std::string cgroup_directory(std::string_view root, std::string_view path) {
  std::string out(root);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != "." && part != "..") out.append("/").append(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return out;
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<std::vector<std::string>> child_directories(const std::string& directory) {
  DIR* open = ::opendir(directory.c_str());
  if (!open) return system_error(errno, directory);
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") out.emplace_back(name);
  }
  ::closedir(open);
  std::ranges::sort(out);
  return out;
}

namespace {

// A directory in the one that is open; nullopt: there is none.
Result<std::optional<std::string>> first_child(const UniqueFd& directory) {
  const int own = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return system_error(errno, "control group");
  DIR* open = ::fdopendir(own);
  std::optional<std::string> out;
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    out = name;
    break;
  }
  ::closedir(open);
  return out;
}

UniqueFd open_directory(int at, const std::string& name) {
  return UniqueFd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

// Down to a group without children, which goes, and up again: two descriptors and no path, however deep a container has nested them.
Result<Unit> remove_cgroup_directories(const std::string& directory) {
  UniqueFd at = open_directory(AT_FDCWD, directory);
  if (!at && errno == ENOENT) return Unit{};
  if (!at) return system_error(errno, directory);
  std::vector<std::string> names;
  while (true) {
    TRY_ASSIGN(const auto child, first_child(at));
    if (child) {
      UniqueFd below = open_directory(at.get(), *child);
      if (!below && errno == ENOENT) continue;  // gone meanwhile
      if (!below) return system_error(errno, *child);
      names.push_back(*child);
      at = std::move(below);
      continue;
    }
    if (names.empty()) break;
    UniqueFd above = open_directory(at.get(), "..");
    if (!above) return system_error(errno, "..");
    at = std::move(above);
    if (::unlinkat(at.get(), names.back().c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return system_error(errno, directory + "/.../" + names.back());
    names.pop_back();
  }
  if (::rmdir(directory.c_str()) != 0 && errno != ENOENT) return system_error(errno, directory);
  return Unit{};
}

namespace {

void add_processes(const std::string& directory, std::set<pid_t>& out) {
  const auto text = read_file(directory + "/cgroup.procs");
  if (!text) return;  // what vanishes meanwhile has no processes
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec == std::errc() && pid > 0) out.insert(pid);
    at = std::find(parsed.ptr, end, '\n') + 1;
  }
}

}  // namespace

Result<std::vector<pid_t>> tree_processes(const std::string& directory) {
  std::set<pid_t> pids;
  const auto walked = visit_tree(directory, [&](const TreeEntry& entry) -> Result<Unit> {
    if (S_ISDIR(entry.mode)) add_processes(entry.dir_fd == AT_FDCWD ? entry.name : fd_path(entry.dir_fd) + "/" + entry.name, pids);
    return Unit{};
  });
  if (!walked && walked.error().reason != Reason::NotFound) return Unexpected(walked.error());
  return std::vector<pid_t>(pids.begin(), pids.end());
}

std::map<std::string, uint64_t, std::less<>> parse_flat_keyed(std::string_view text) {
  std::map<std::string, uint64_t, std::less<>> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    uint64_t value = 0;
    if (space != std::string_view::npos && std::from_chars(line.data() + space + 1, line.data() + line.size(), value).ec == std::errc())
      out.emplace(line.substr(0, space), value);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

Result<uint64_t> read_number(const std::string& path) {
  TRY_ASSIGN(const std::string text, read_file(path));
  const std::string_view word = trim(text);
  if (word == "max") return UINT64_MAX;
  uint64_t value = 0;
  if (std::from_chars(word.data(), word.data() + word.size(), value).ec != std::errc()) return internal(path + ": not a number");
  return value;
}

uint64_t value_or_zero(const std::map<std::string, uint64_t, std::less<>>& values, std::string_view key) {
  const auto it = values.find(key);
  return it == values.end() ? 0 : it->second;
}

}  // namespace pintle::os

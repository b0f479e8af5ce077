// What both versions of cgroups do with a directory tree.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::os {

// `root` + "/" + `path` without doubled or trailing slashes.
std::string cgroup_directory(std::string_view root, std::string_view path);
bool is_directory(const std::string& path);
// Names of the directories in it, sorted.
Result<std::vector<std::string>> child_directories(const std::string& directory);
// rmdir(2) from the leaves up; no error for what is not there.
Result<Unit> remove_cgroup_directories(const std::string& directory);
// cgroup.procs of it and of all below; each once.
Result<std::vector<pid_t>> tree_processes(const std::string& directory);
// "key value" lines.
std::map<std::string, uint64_t, std::less<>> parse_flat_keyed(std::string_view text);
// A file with one number; "max": UINT64_MAX.
Result<uint64_t> read_number(const std::string& path);
uint64_t value_or_zero(const std::map<std::string, uint64_t, std::less<>>& values, std::string_view key);

}  // namespace pintle::os

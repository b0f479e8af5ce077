// Single names in directories that nobody else writes. Each call blocks for its system calls.
#pragma once

#include <string>

#include "base/status.h"

namespace pintle::os {

// Success if it is not there.
Result<Unit> remove_name(const std::string& path);
// False: it is not empty, and stays. Success if it is not there.
Result<bool> remove_if_empty(const std::string& directory);
// A symbolic link; what was there of that name goes.
Result<Unit> set_link(const std::string& link, const std::string& target);
// An empty file to mount on, if nothing is there.
Result<Unit> make_mount_file(const std::string& path);
// One that make_mount_file() made. False: something else is there, or it has content, and stays. True if nothing is there.
Result<bool> remove_mount_file(const std::string& path);
// The path with all links resolved, as the mount table has it.
Result<std::string> real_path(const std::string& path);
// The path with the links of its directories resolved, as the mount table has it. The last name is not looked at: what is mounted there may
// not answer.
Result<std::string> resolved_parent(const std::string& path);

}  // namespace pintle::os

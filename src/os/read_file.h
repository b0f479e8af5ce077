// Small files of /proc, /sys and cgroups, whose size stat does not tell.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::os {

constexpr std::size_t small_file_bytes_max = 16 << 20;

// The whole content; RequestEntityTooLarge past small_file_bytes_max. Never waits for the other end of a FIFO.
Result<std::string> read_file(const std::string& path);
// One write(2) to an existing file, as the kernel's interface files want it.
Result<Unit> write_file(const std::string& path, std::string_view data);
// Without white space at both ends.
std::string_view trim(std::string_view text);

}  // namespace pintle::os

// CHECK: for our own bugs. Stays on in release builds; never used on bytes from a client, a disk or a plugin.
#pragma once

#include <string_view>

namespace pintle {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message);
}  // namespace pintle

// Ends the process with file, line and message when `condition` does not hold.
#define CHECK(condition, message)                                        \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::pintle::check_failed(__FILE__, __LINE__, #condition, (message)); \
  } while (false)

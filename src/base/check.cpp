#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/check_scope.h"

namespace pintle {

int& CheckScope::depth() {
  thread_local int depth = 0;
  return depth;
}

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s: %.*s\n", file, line, condition, static_cast<int>(message.size()), message.data());
  std::fflush(stderr);
  if (CheckScope::here()) throw CheckFailure(std::string(file) + ":" + std::to_string(line) + ": " + condition + ": " + std::string(message));
  std::abort();
}

}  // namespace pintle

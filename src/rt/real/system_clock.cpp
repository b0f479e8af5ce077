#include "rt/real/system_clock.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace pintle::rt {

namespace {

void fill_from_system(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    CHECK(got > 0 || errno == EINTR, "getrandom failed");
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

struct Block {
  std::byte bytes[256];
  std::size_t used = sizeof bytes;
};
thread_local Block block;

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  if (out.size() > sizeof block.bytes / 4) return fill_from_system(out);
  if (sizeof block.bytes - block.used < out.size()) {
    fill_from_system(block.bytes);
    block.used = 0;
  }
  std::memcpy(out.data(), block.bytes + block.used, out.size());
  // What was handed out may be a key: it does not stay here.
  std::memset(block.bytes + block.used, 0, out.size());
  block.used += out.size();
}

}  // namespace pintle::rt

// Time and chance. No other folder reads a clock or draws a random number.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace pintle::rt {

using Duration = std::chrono::nanoseconds;
// Monotonic: only differences mean something.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// UTC, nanoseconds since 1970.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual WallTime wall_now() const = 0;
};

// Thread-safe. The real one is seeded from the operating system and fit for keys and tokens; the simulated one from
// the run's seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  uint64_t next_u64() {
    uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  // Uniform in [0, bound); bound > 0.
  uint64_t below(uint64_t bound) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value = next_u64();
    while (value >= limit) value = next_u64();
    return value % bound;
  }
};

}  // namespace pintle::rt

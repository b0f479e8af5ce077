#pragma once

#include "rt/clock.h"

namespace pintle::rt {

// getrandom(2), a block at a time for each thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace pintle::rt

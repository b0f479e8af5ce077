// The simulation's chance: splitmix64, all of it from one seed. Not for keys.
#pragma once

#include <cstring>

#include "rt/clock.h"

namespace pintle::rt {

class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {}
  uint64_t draw() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const uint64_t word = draw();
      const std::size_t n = out.size() < sizeof word ? out.size() : sizeof word;
      std::memcpy(out.data(), &word, n);
      out = out.subspan(n);
    }
  }
  // Uniform in [low, high].
  Duration between(Duration low, Duration high) {
    return low + Duration(static_cast<int64_t>(below(static_cast<uint64_t>((high - low).count()) + 1)));
  }
  bool chance(uint32_t per_million) { return per_million > 0 && below(1'000'000) < per_million; }

 private:
  uint64_t state_;
};

}  // namespace pintle::rt

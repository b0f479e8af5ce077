// For rt's own tests: one task on each backend.
#pragma once

#include "rt/testing.h"

namespace pintle::rt {

inline constexpr uint64_t test_seeds = 5;

// Runs what `main` makes on the real backend with one and with three executors, and simulated with several seeds.
template <class F>
void on_each_backend(F main) {
  testing::run_task([&] { return main(); });
  testing::run_task([&] { return main(); }, {.threads = 3});
  for (uint64_t seed = 1; seed <= test_seeds; ++seed) testing::run_sim([&] { return main(); }, seed);
}

}  // namespace pintle::rt

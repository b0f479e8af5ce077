// For tests that something takes no time out of proportion: what a piece of work took of this thread's processor, whoever else runs.
#pragma once

#include <ctime>

namespace pintle::codec {

// What was quadratic took tens of seconds of each of these inputs; what is linear takes tens of milliseconds.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double hostile_seconds_max = 15;
#else
constexpr double hostile_seconds_max = 1.5;
#endif

template <class Work>
double cpu_seconds(Work&& work) {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  };
  const double before = now();
  work();
  return now() - before;
}

}  // namespace pintle::codec

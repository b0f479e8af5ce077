// For tests of what is recursive: runs it on a stack of a size of its own.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>

#include "base/check.h"

namespace pintle::codec {

// Executors have the system's default, 8 MiB, or 2 MiB where stacks are not limited: whatever is recursive has to do with the less.
// A build with sanitizers needs several times as much.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t small_stack_bytes = 16 << 20;
#else
constexpr std::size_t small_stack_bytes = 2 << 20;
#endif

inline void run_on_small_stack(std::function<void()> what) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, small_stack_bytes) == 0, "the stack is no smaller than the least");
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  CHECK(pthread_create(&thread, &attributes, start, &what) == 0, "a thread can be made");
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace pintle::codec

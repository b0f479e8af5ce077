#include "limits.h"

#include <csignal>
#include <ctime>

#include <algorithm>

#include <sys/syscall.h>
#include <unistd.h>

#include "driver.h"

// Of the sanitizer's allocator; g++ comes without the header that declares them.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t), void (*on_free)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
}

namespace pintle::fuzz {
namespace {

void (*breach)(const char*) = nullptr;
Usage most;
timer_t timer;
timespec begun;

thread_local bool counts = false;  // the thread that runs inputs, while one runs
std::size_t held = 0, held_most = 0, held_max = 0;
std::uintptr_t stack_top = 0, stack_lowest = 0;

void on_malloc(const volatile void*, std::size_t bytes) {
  if (!counts) return;
  held += bytes;
  held_most = std::max(held_most, held);
  if (held <= held_max) return;
  counts = false;
  breach("too much memory at once");
}

// What the input before has left may be freed now: it never counts below nothing.
void on_free(const volatile void* memory) {
  if (!counts || memory == nullptr) return;
  held -= std::min(held, __sanitizer_get_allocated_size(memory));
}

void on_time(int) { breach("too much of the processor"); }

timespec processor_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now;
}

void arm(int milliseconds) {
  const itimerspec when{{}, {milliseconds / 1000, milliseconds % 1000 * 1'000'000L}};
  timer_settime(timer, 0, &when, nullptr);
}

}  // namespace

void install_limits(void (*on_breach)(const char*)) {
  breach = on_breach;
  std::signal(SIGVTALRM, on_time);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGVTALRM;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0) breach("no timer");
  __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

void begin_limits(std::size_t input_bytes) {
  held = held_most = 0;
  held_max = memory_max_bytes + input_bytes * memory_max_per_input_byte;
  stack_top = stack_lowest = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  arm(time_max_ms);
  begun = processor_time();
  counts = true;
}

void end_limits() {
  counts = false;
  const timespec now = processor_time();
  arm(0);
  most.slowest_us = std::max<int64_t>(most.slowest_us, (now.tv_sec - begun.tv_sec) * 1'000'000 + (now.tv_nsec - begun.tv_nsec) / 1000);
  most.memory_bytes = std::max(most.memory_bytes, held_most);
  most.stack_bytes = std::max<std::size_t>(most.stack_bytes, stack_top - stack_lowest);
}

const Usage& usage() { return most; }

void note_stack(std::uintptr_t frame) {
  if (counts && frame < stack_lowest) stack_lowest = frame;
}

}  // namespace pintle::fuzz

#include "rt/signal_stack.h"

#include <sys/mman.h>

#include "base/check.h"

namespace pintle::rt {

SignalStack::SignalStack() {
  void* memory = ::mmap(nullptr, signal_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = memory;
  own.ss_size = signal_stack_bytes;
  CHECK(::sigaltstack(&own, &before_) == 0, "a thread's signal stack");
  memory_ = memory;
}

SignalStack::~SignalStack() {
  if (memory_ == nullptr) return;
  ::sigaltstack(&before_, nullptr);
  ::munmap(memory_, signal_stack_bytes);
}

}  // namespace pintle::rt

// SignalStack: a stack of its own for the signal handlers of one thread, so that a handler can tell of a stack that is full. Made on
// the thread that it serves, and destroyed there: first of what runs on it. The pages that no handler touches take no memory.
#pragma once

#include <signal.h>

#include <cstddef>

namespace pintle::rt {

constexpr std::size_t signal_stack_bytes = 64 << 10;

class SignalStack {
 public:
  // Without memory for it the thread keeps the stack that it has for this.
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* memory_ = nullptr;
  stack_t before_{};
};

}  // namespace pintle::rt

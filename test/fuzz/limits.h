// The limits that hold for each input: its processor time, its memory, its stack. A breach ends the process through on_breach.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pintle::fuzz {

// What inputs have used so far at most.
struct Usage {
  int64_t slowest_us = 0;
  std::size_t memory_bytes = 0;
  std::size_t stack_bytes = 0;
};

// On the thread that runs inputs, once; `on_breach` saves the input and does not return.
void install_limits(void (*on_breach)(const char* what));
void begin_limits(std::size_t input_bytes);
void end_limits();
const Usage& usage();
// From instrumented code: how deep the stack is.
void note_stack(std::uintptr_t frame);

}  // namespace pintle::fuzz

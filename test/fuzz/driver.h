// What a fuzz target provides. The driver mutates inputs, keeps those that reach new edges, and stops at the first
// input that a sanitizer or a CHECK objects to, or that exceeds a limit below, leaving it in crash-<target>.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pintle::fuzz {

constexpr std::size_t input_max_bytes = 64 << 10;
// Of one input, with the sanitizers' overhead: the processor's time, what it holds at once, the stack that it runs on. The stack is
// an executor's (8 MiB), times what the sanitizers make of a frame.
constexpr int time_max_ms = 2000;
constexpr std::size_t memory_max_bytes = 64 << 20, memory_max_per_input_byte = 1000;
constexpr std::size_t stack_bytes = 4 * (8 << 20);

void one(std::string_view input);   // a broken promise is a failed CHECK
std::vector<std::string> seeds();   // besides those of seeds/<target>.txt
std::vector<std::string> tokens();  // pieces worth inserting

}  // namespace pintle::fuzz

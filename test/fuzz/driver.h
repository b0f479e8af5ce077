// What a fuzz target provides. The driver mutates inputs, keeps those that reach new edges, and stops at the first
// input that a sanitizer or a CHECK objects to, leaving it in crash-<target>.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pintle::fuzz {

constexpr std::size_t input_max_bytes = 8192;

void one(std::string_view input);          // a broken promise is a failed CHECK
std::vector<std::string> seeds();
std::vector<std::string> tokens();         // pieces worth inserting

}  // namespace pintle::fuzz

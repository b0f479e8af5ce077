// Kept inputs as text: one a line, bytes that are no printable ASCII as \xHH, the backslash doubled.
#pragma once

#include <string>
#include <vector>

namespace pintle::fuzz {

// Empty where there is no such file.
std::vector<std::string> read_corpus(const std::string& path);
bool write_corpus(const std::string& path, const std::vector<std::string>& inputs);

}  // namespace pintle::fuzz

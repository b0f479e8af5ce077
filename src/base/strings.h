// The two questions about texts that every folder asks.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace pintle {

inline bool contains(std::span<const std::string_view> words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

// ASCII only, as names on the wire are.
inline std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace pintle

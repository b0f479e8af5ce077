#include "net/text.h"

#include <cstdint>

namespace pintle::net {

std::vector<std::string_view> split_list(std::string_view value) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size()) {
      if (quoted && value[i] == '\\') {
        ++i;
        continue;
      }
      if (value[i] == '"') quoted = !quoted;
      if (quoted || value[i] != ',') continue;
    }
    const auto element = trim(value.substr(start, std::min(i, value.size()) - start));
    if (!element.empty()) out.push_back(element);
    start = i + 1;
  }
  // A quote that is never closed may have run past the end.
  if (start < value.size() && quoted) {
    const auto element = trim(value.substr(start));
    if (!element.empty() && (out.empty() || out.back().data() != element.data())) out.push_back(element);
  }
  return out;
}

bool list_has(std::string_view value, std::string_view token) {
  for (auto element : split_list(value)) {
    if (equal_fold(element, token)) return true;
  }
  return false;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? alphabet[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace pintle::net

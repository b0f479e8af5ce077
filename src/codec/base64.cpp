#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace pintle::codec {
namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Reverse = std::array<int8_t, 256>;
constexpr Reverse reverse(std::string_view alphabet) {
  Reverse table{};
  for (auto& entry : table) entry = -1;
  for (std::size_t i = 0; i < 64; ++i) table[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr Reverse standard_reverse = reverse(standard), url_reverse = reverse(url);

void encode(std::string_view bytes, std::string_view alphabet, bool pad, std::string& out) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[k])); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t v = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[(v >> shift) & 63];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  const uint32_t v = at(i) << 16 | (rest == 2 ? at(i + 1) << 8 : 0);
  out += alphabet[v >> 18];
  out += alphabet[(v >> 12) & 63];
  if (rest == 2) out += alphabet[(v >> 6) & 63];
  if (pad) out.append(3 - rest, '=');
}

std::optional<std::string> decode(std::string_view text, const Reverse& table, bool padded) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0, padding = 0;
  for (char c : text) {
    if (c == '\r' || c == '\n') continue;
    if (c == '=' && padded) {
      if (count < 2 || count + ++padding > 4) return std::nullopt;
      continue;
    }
    const int value = table[static_cast<unsigned char>(c)];
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++count == 4) {
      out += static_cast<char>(bits >> 16);
      out += static_cast<char>(bits >> 8);
      out += static_cast<char>(bits);
      bits = 0;
      count = 0;
    }
  }
  if (count == 1 || (padded && count != 0 && count + padding != 4)) return std::nullopt;
  if (count == 2) out += static_cast<char>(bits >> 4);
  if (count == 3) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  }
  return out;
}

}  // namespace

void append_base64(std::string_view bytes, std::string& out) { encode(bytes, standard, true, out); }
std::string base64(std::string_view bytes) {
  std::string out;
  encode(bytes, standard, true, out);
  return out;
}
std::string base64_url(std::string_view bytes) {
  std::string out;
  encode(bytes, url, false, out);
  return out;
}
std::optional<std::string> decode_base64(std::string_view text) { return decode(text, standard_reverse, true); }
std::optional<std::string> decode_base64_url(std::string_view text) { return decode(text, url_reverse, false); }

}  // namespace pintle::codec

#include "dns/address.h"

#include <algorithm>

#include "dns/name.h"

namespace pintle::dns {

namespace {

std::optional<uint8_t> decimal_byte(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 255) return std::nullopt;
  return static_cast<uint8_t>(value);
}

std::optional<uint8_t> nibble(std::string_view text) {
  if (text.size() != 1) return std::nullopt;
  if (text[0] >= '0' && text[0] <= '9') return static_cast<uint8_t>(text[0] - '0');
  if (text[0] >= 'a' && text[0] <= 'f') return static_cast<uint8_t>(text[0] - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::optional<Address> address_of_reverse_name(std::string_view name) {
  constexpr std::size_t v4_labels = 4;
  constexpr std::size_t v6_labels = 32;
  const Labels labels = split(name);
  if (labels.count < 3 || labels[labels.count - 1] != "arpa") return std::nullopt;
  const std::string_view family = labels[labels.count - 2];
  Address out;
  if (family == "in-addr" && labels.count == v4_labels + 2) {
    for (std::size_t i = 0; i < v4_labels; ++i) {
      const auto byte = decimal_byte(labels[v4_labels - 1 - i]);
      if (!byte) return std::nullopt;
      out.bytes[i] = *byte;
    }
    return out;
  }
  if (family == "ip6" && labels.count == v6_labels + 2) {
    out.family = IpFamily::IPv6;
    for (std::size_t i = 0; i < v6_labels; ++i) {
      const auto value = nibble(labels[v6_labels - 1 - i]);
      if (!value) return std::nullopt;
      out.bytes[i / 2] = static_cast<uint8_t>(out.bytes[i / 2] << 4 | *value);
    }
    return out;
  }
  return std::nullopt;
}

std::string dashed(std::string_view address_text) {
  std::string out(address_text);
  std::ranges::replace_if(
      out, [](char c) { return c == '.' || c == ':'; }, '-');
  return out;
}

std::optional<Address> parse_dashed(std::string_view label) {
  std::string text(label);
  if (std::ranges::count(text, '-') == 3 && text.find("--") == std::string::npos) {
    std::ranges::replace(text, '-', '.');
    if (auto v4 = parse_address(text, IpSyntax::Strict)) return v4;
    text = label;
  }
  std::ranges::replace(text, '-', ':');
  return parse_address(text, IpSyntax::Strict);
}

}  // namespace pintle::dns

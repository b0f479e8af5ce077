#include "base/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace pintle {
namespace {

std::optional<IpAddress> parse_ipv4(std::string_view text) {
  IpAddress out;
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((part < 3) != (dot != std::string_view::npos)) return std::nullopt;
    const std::string_view digits = text.substr(0, dot);
    unsigned value = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || ec != std::errc() || end != digits.data() + digits.size() || value > 255) return std::nullopt;
    out.bytes[static_cast<std::size_t>(part)] = static_cast<uint8_t>(value);
    text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  }
  return out;
}

constexpr std::size_t mapped_prefix_bytes = 12;

bool is_mapped(const std::array<uint8_t, 16>& bytes) {
  constexpr uint8_t prefix[mapped_prefix_bytes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(bytes.data(), prefix, mapped_prefix_bytes) == 0;
}

}  // namespace

std::string_view family_name(IpFamily family) { return family == IpFamily::IPv4 ? "IPv4" : "IPv6"; }

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family == IpFamily::IPv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

bool IpAddress::is_loopback() const {
  if (family == IpFamily::IPv4) return bytes[0] == 127;
  return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t b) { return b == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

bool IpPrefix::contains(const IpAddress& other) const {
  if (other.family != address.family) return false;
  const std::size_t whole = bits / 8;
  if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
  return (other.bytes[whole] & mask) == address.bytes[whole];
}

std::string IpPrefix::to_string() const { return address.to_string() + "/" + std::to_string(bits); }

std::optional<IpAddress> parse_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return parse_ipv4(text);
  IpAddress out{.family = IpFamily::IPv6};
  if (inet_pton(AF_INET6, std::string(text).c_str(), out.bytes.data()) != 1) return std::nullopt;
  if (!is_mapped(out.bytes)) return out;
  IpAddress plain;
  std::copy_n(out.bytes.begin() + mapped_prefix_bytes, 4, plain.bytes.begin());
  return plain;
}

std::optional<IpPrefix> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (digits.empty() || ec != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (bits > (address->family == IpFamily::IPv4 ? 32u : 128u)) return std::nullopt;
  IpPrefix out{.address = *address, .bits = static_cast<uint8_t>(bits)};
  for (std::size_t i = 0; i < out.address.bytes.size(); ++i) {
    const std::size_t first = i * 8;
    if (first >= bits)
      out.address.bytes[i] = 0;
    else if (first + 8 > bits)
      out.address.bytes[i] &= static_cast<uint8_t>(0xff << (first + 8 - bits));
  }
  return out;
}

std::vector<IpPrefix> outermost(std::vector<IpPrefix> prefixes) {
  std::ranges::sort(prefixes);  // an outer range comes before those in it
  std::vector<IpPrefix> out;
  for (const IpPrefix& prefix : prefixes)
    if (out.empty() || !(out.back().bits <= prefix.bits && out.back().contains(prefix.address))) out.push_back(prefix);
  return out;
}

}  // namespace pintle

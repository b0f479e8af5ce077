// IP addresses and ranges: parsed once, compared as numbers, written in their canonical form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pintle {

enum class IpFamily : uint8_t { IPv4, IPv6 };

// "IPv4" or "IPv6", as the API and the metrics call it.
std::string_view family_name(IpFamily family);

struct IpAddress {
  IpFamily family = IpFamily::IPv4;
  std::array<uint8_t, 16> bytes{};  // IPv4 uses the first four

  auto operator<=>(const IpAddress&) const = default;
  std::string to_string() const;
  bool is_loopback() const;
  bool is_unspecified() const;
};

struct IpPrefix {
  IpAddress address;  // with no bit set past `bits`
  uint8_t bits = 0;

  auto operator<=>(const IpPrefix&) const = default;
  bool contains(const IpAddress& other) const;
  // "10.0.0.0/8".
  std::string to_string() const;
};

// nullopt for anything that is no numeric address. Leading zeros of IPv4 parts are read as decimal, as the API's older
// objects may carry them; an IPv4-mapped IPv6 address is IPv4.
std::optional<IpAddress> parse_address(std::string_view text);
// Host bits are cleared.
std::optional<IpPrefix> parse_prefix(std::string_view text);

// In order, without those that lie inside another: intervals of a set must not overlap.
std::vector<IpPrefix> outermost(std::vector<IpPrefix> prefixes);

}  // namespace pintle

// IP addresses and ranges as the proxy and the node routes use them: parsed once, written in their canonical form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::proxy {

enum class Family : uint8_t { IPv4, IPv6 };

// "IPv4" or "IPv6", as the API and the metrics call it.
std::string_view family_name(Family family);

struct Address {
  Family family = Family::IPv4;
  std::array<uint8_t, 16> bytes{};   // IPv4 uses the first four

  auto operator<=>(const Address&) const = default;
  std::string to_string() const;
  bool is_loopback() const;
  bool is_unspecified() const;
};

struct Prefix {
  Address address;                   // with no bit set past `bits`
  uint8_t bits = 0;

  auto operator<=>(const Prefix&) const = default;
  bool contains(const Address& other) const;
  // "10.0.0.0/8".
  std::string to_string() const;
};

// nullopt for anything that is no numeric address. Leading zeros of IPv4 parts are read as decimal, as the API's older
// objects may carry them; an IPv4-mapped IPv6 address is IPv4.
std::optional<Address> parse_address(std::string_view text);
// Host bits are cleared.
std::optional<Prefix> parse_prefix(std::string_view text);

// In order, without those that lie inside another: intervals of a set must not overlap.
std::vector<Prefix> outermost(std::vector<Prefix> prefixes);

}  // namespace pintle::proxy

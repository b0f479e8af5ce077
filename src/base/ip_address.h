// IP addresses and ranges: parsed once, compared as numbers, written in their canonical form (RFC 5952). An IPv4-mapped IPv6 address
// (::ffff:10.0.0.1) is IPv4 everywhere.
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

  // Of 4 or 16 bytes in network order; nullopt for any other number of them.
  static std::optional<IpAddress> from_wire(std::string_view bytes);

  auto operator<=>(const IpAddress&) const = default;
  bool is_v6() const { return family == IpFamily::IPv6; }
  // 32 or 128.
  unsigned width_bits() const { return is_v6() ? 128 : 32; }
  // 4 or 16 bytes in network order; lives as long as this.
  std::string_view wire() const { return {reinterpret_cast<const char*>(bytes.data()), width_bits() / 8}; }
  std::string to_string() const;
  bool is_loopback() const;
  bool is_unspecified() const;
};

struct IpPrefix {
  IpAddress address;  // parse_prefix clears the bits past `bits`, parse_unmasked_prefix keeps them
  uint8_t bits = 0;

  // The range of this address alone.
  static IpPrefix of(const IpAddress& address) { return {address, static_cast<uint8_t>(address.width_bits())}; }

  auto operator<=>(const IpPrefix&) const = default;
  // The same range with the bits past `bits` cleared.
  IpPrefix masked() const;
  bool contains(const IpAddress& other) const;
  // The n-th address of the range, which begins with its 0-th (10.0.0.0 of 10.0.0.7/8); nullopt where the range ends before.
  std::optional<IpAddress> nth(uint64_t n) const;
  // "10.0.0.0/8".
  std::string to_string() const;
};

// Legacy: IPv4 parts and prefix lengths may have leading zeros, which are decimal, and IPv4-mapped addresses are read, as objects and
// flags of old may carry them. Strict: neither.
enum class IpSyntax : uint8_t { Legacy, Strict };

// nullopt for anything that is no numeric address; a zone ("%eth0") is none.
std::optional<IpAddress> parse_address(std::string_view text, IpSyntax syntax = IpSyntax::Legacy);
// Host bits are cleared.
std::optional<IpPrefix> parse_prefix(std::string_view text, IpSyntax syntax = IpSyntax::Legacy);
// Host bits are kept: "10.0.0.7/8" is the address of an interface, with the range around it.
std::optional<IpPrefix> parse_unmasked_prefix(std::string_view text, IpSyntax syntax = IpSyntax::Legacy);

// In order, without those that lie inside another: intervals of a set must not overlap.
std::vector<IpPrefix> outermost(std::vector<IpPrefix> prefixes);

}  // namespace pintle

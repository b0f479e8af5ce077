// An IP address as the records carry it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace pintle::dns {

struct Address {
  std::array<char, 16> bytes{};  // the first four of IPv4
  bool v6 = false;

  static std::optional<Address> parse(std::string_view text);
  std::string text() const;
  std::string_view wire() const { return {bytes.data(), v6 ? 16u : 4u}; }
  bool operator==(const Address&) const = default;
};

struct AddressHash {
  std::size_t operator()(const Address& address) const {
    uint64_t words[2];
    std::memcpy(words, address.bytes.data(), sizeof words);
    return (words[0] * 0x9e3779b97f4a7c15u ^ words[1]) * 0xbf58476d1ce4e5b9u + address.v6;
  }
};

// The address that a name under in-addr.arpa or ip6.arpa (lower case, wire form) stands for.
std::optional<Address> address_of_reverse_name(std::string_view name);
// "10-0-0-1", "2001-db8--1": how pods and unnamed endpoints are called. The text form is the object's own.
std::string dashed(std::string_view address_text);
// The address that such a label means.
std::optional<Address> parse_dashed(std::string_view label);

}  // namespace pintle::dns

// Addresses in the names of the DNS: reverse names and the dashed labels of pods.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace pintle::dns {

using Address = IpAddress;

struct AddressHash {
  std::size_t operator()(const Address& address) const {
    uint64_t words[2];
    std::memcpy(words, address.bytes.data(), sizeof words);
    return (words[0] * 0x9e3779b97f4a7c15u ^ words[1]) * 0xbf58476d1ce4e5b9u + address.is_v6();
  }
};

// The address that a name under in-addr.arpa or ip6.arpa (lower case, wire form) stands for.
std::optional<Address> address_of_reverse_name(std::string_view name);
// "10-0-0-1", "2001-db8--1": how pods and unnamed endpoints are called. The text form is the object's own.
std::string dashed(std::string_view address_text);
// The address that such a label means; nullopt also for one whose parts have leading zeros, as no pod is called so.
std::optional<Address> parse_dashed(std::string_view label);

}  // namespace pintle::dns

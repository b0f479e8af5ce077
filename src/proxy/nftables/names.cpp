#include "proxy/nftables/names.h"

#include <algorithm>

#include "component/certificate/keys.h"

namespace pintle::proxy::nftables {
namespace {

constexpr std::size_t name_bytes_max = 256;   // the kernel's limit
constexpr std::size_t prefix_bytes_max = 16;  // "firewall-" and the like
constexpr std::size_t base_bytes_max = name_bytes_max - prefix_bytes_max;
constexpr std::size_t hash_chars = 8;

// The first 40 bits of a digest in base 32 (RFC 4648).
std::string short_hash(std::string_view digest) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  uint64_t bits = 0;
  for (std::size_t i = 0; i < 5; ++i) bits = bits << 8 | static_cast<uint8_t>(digest[i]);
  std::string out(hash_chars, '\0');
  for (std::size_t i = 0; i < hash_chars; ++i) out[i] = alphabet[bits >> (35 - 5 * i) & 31];
  return out;
}

// The hash keeps names apart that differ only past the cut, and makes near ones look different.
std::string with_hash(const std::string& name) {
  std::string out = short_hash(component::sha256(name)) + "-" + name;
  if (out.size() > base_bytes_max) out = out.substr(0, base_bytes_max - 3) + "...";
  return out;
}

std::string plain_name(const ServicePortName& port) {
  return port.service.namespace_name + "/" + port.service.name + "/" + std::string(protocol_name(port.protocol)) + "/" + port.port;
}

}  // namespace

std::string port_base_name(const ServicePortName& port) { return with_hash(plain_name(port)); }

std::string endpoint_base_name(const ServicePortName& port, const Endpoint& endpoint) {
  std::string address = endpoint.address.to_string();
  std::ranges::replace(address, ':', '.');
  return with_hash(plain_name(port) + "__" + address + "/" + std::to_string(endpoint.port));
}

}  // namespace pintle::proxy::nftables

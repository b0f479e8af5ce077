#include "os/netlink/message.h"

#include <sys/socket.h>

#include "base/parse_number.h"

namespace pintle::os::netlink {

Attributes parse_attributes(std::string_view bytes) {
  Attributes out;
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) break;
    out[header.rta_type & NLA_TYPE_MASK] = bytes.substr(sizeof header, header.rta_len - sizeof header);
    bytes.remove_prefix(std::min<std::size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
  return out;
}

std::string text_of(const Attributes& attributes, uint16_t type) {
  const auto it = attributes.find(type);
  if (it == attributes.end()) return {};
  return std::string(it->second.substr(0, it->second.find('\0')));
}

Result<IpPrefix> parse_ip(std::string_view text) {
  if (const auto address = parse_address(text, IpSyntax::Strict)) return IpPrefix::of(*address);
  if (const auto prefix = parse_unmasked_prefix(text, IpSyntax::Strict)) return *prefix;
  return error(Reason::Invalid, "not an IP address: " + std::string(text));
}

uint8_t family_of(const IpAddress& address) { return address.is_v6() ? AF_INET6 : AF_INET; }

std::string format_ip(std::string_view bytes) {
  const auto address = IpAddress::from_wire(bytes);
  return address ? address->to_string() : "";
}

Result<std::string> parse_mac(std::string_view text) {
  std::string out;
  const std::string_view whole = text;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const auto value = parse_number<uint8_t>(part, 16);
    if (part.size() != 2 || !value) break;
    out += static_cast<char>(*value);
    text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  }
  if (out.size() != 6 || !text.empty() || whole.ends_with(':')) return error(Reason::Invalid, "not a hardware address: " + std::string(whole));
  return out;
}

std::string format_mac(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out += ':';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace pintle::os::netlink

#include "os/netlink/message.h"

#include <arpa/inet.h>

#include <charconv>

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

Result<IpBytes> parse_ip(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  char raw[16];
  IpBytes out;
  if (::inet_pton(AF_INET, address.c_str(), raw) == 1) {
    out.family = AF_INET;
    out.bytes.assign(raw, 4);
  } else if (::inet_pton(AF_INET6, address.c_str(), raw) == 1) {
    out.family = AF_INET6;
    out.bytes.assign(raw, 16);
  } else {
    return error(Reason::Invalid, "not an IP address: " + std::string(text));
  }
  const auto bits_max = static_cast<unsigned>(out.bytes.size() * 8);
  unsigned length = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || length > bits_max)
      return error(Reason::Invalid, "not a prefix: " + std::string(text));
  }
  out.length = static_cast<uint8_t>(length);
  return out;
}

std::string format_ip(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) ::inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) ::inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

Result<std::string> parse_mac(std::string_view text) {
  std::string out;
  const std::string_view whole = text;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    unsigned value = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    if (part.size() != 2 || parsed.ec != std::errc() || parsed.ptr != part.data() + part.size()) break;
    out += static_cast<char>(value);
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

// rtnetlink messages: writing requests and reading answers. Attributes are length, type, payload, padded to four bytes.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "base/ip_address.h"
#include "base/status.h"

namespace pintle::os::netlink {

// A request under construction: header, one fixed struct, attributes.
class Request {
 public:
  template <class Fixed>
  Request(uint16_t type, uint16_t flags, const Fixed& fixed) : bytes_(NLMSG_HDRLEN, '\0') {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(flags | NLM_F_REQUEST);
    std::memcpy(bytes_.data(), &header, sizeof header);
    append(&fixed, sizeof fixed);
  }
  Request& add(uint16_t type, std::string_view payload) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<uint16_t>(RTA_LENGTH(payload.size()));
    append(&attribute, sizeof attribute);
    append(payload.data(), payload.size());
    return *this;
  }
  Request& add_text(uint16_t type, const std::string& text) { return add(type, std::string_view(text.c_str(), text.size() + 1)); }
  template <class Number>
  Request& add_number(uint16_t type, Number value) {
    return add(type, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
  }
  // A fixed struct inside a nested attribute.
  Request& add_raw(std::string_view bytes) {
    append(bytes.data(), bytes.size());
    return *this;
  }
  // begin() ... end(begin()): the attributes between are nested in `type`.
  std::size_t begin(uint16_t type) {
    const std::size_t at = bytes_.size();
    add(type, {});
    return at;
  }
  void end(std::size_t at) {
    const auto length = static_cast<uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &length, sizeof length);
  }
  // Bytes to send; the sequence number is filled in by the sender.
  std::string take() {
    const auto length = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length);
    return std::move(bytes_);
  }

 private:
  void append(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3}, '\0');
  }
  std::string bytes_;
};

// The attributes of an answer by type; a later one of a type replaces an earlier.
using Attributes = std::map<uint16_t, std::string_view>;
Attributes parse_attributes(std::string_view bytes);
// Copies the fixed struct at the front of a message's payload and returns what follows; "" when it is too short.
template <class Fixed>
std::string_view split_fixed(std::string_view payload, Fixed& fixed) {
  if (payload.size() < NLMSG_ALIGN(sizeof fixed)) return {};
  std::memcpy(&fixed, payload.data(), sizeof fixed);
  return payload.substr(NLMSG_ALIGN(sizeof fixed));
}
// 0 when absent or too short.
template <class Number>
Number number_of(const Attributes& attributes, uint16_t type) {
  Number value{};
  const auto it = attributes.find(type);
  if (it != attributes.end() && it->second.size() >= sizeof value) std::memcpy(&value, it->second.data(), sizeof value);
  return value;
}
std::string text_of(const Attributes& attributes, uint16_t type);

// "10.0.0.1" (a range of itself) or "10.0.0.7/24", whose host bits are kept. Invalid for anything else.
Result<IpPrefix> parse_ip(std::string_view text);
// AF_INET or AF_INET6.
uint8_t family_of(const IpAddress& address);
// "" unless it has 4 or 16 bytes.
std::string format_ip(std::string_view bytes);
Result<std::string> parse_mac(std::string_view text);
std::string format_mac(std::string_view bytes);

}  // namespace pintle::os::netlink

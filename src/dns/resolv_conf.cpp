#include "dns/resolv_conf.h"

#include "base/parse_number.h"
#include "dns/address.h"

namespace pintle::dns {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
  std::size_t end = 0;
  while (end < line.size() && !is_space(line[end])) ++end;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// A zone ("fe80::1%eth0") may follow the address.
bool is_address(std::string_view text) { return parse_address(text.substr(0, text.find('%'))).has_value(); }

}  // namespace

std::vector<rt::Endpoint> parse_resolv_conf(std::string_view text) {
  std::vector<rt::Endpoint> out;
  while (!text.empty() && out.size() < upstreams_max) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (next_word(line) != "nameserver") continue;
    const std::string_view address = next_word(line);
    if (is_address(address)) out.push_back({std::string(address), dns_port});
  }
  return out;
}

Result<rt::Endpoint> parse_upstream(std::string_view text) {
  if (is_address(text)) return rt::Endpoint{std::string(text), dns_port};
  const auto colon = text.rfind(':');
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  if (colon != std::string_view::npos && is_address(address)) {
    const auto port = parse_number<uint16_t>(text.substr(colon + 1));
    if (port && *port != 0) return rt::Endpoint{std::string(address), *port};
  }
  return error(Reason::Invalid, "\"" + std::string(text) + "\" is not the address of a DNS server");
}

}  // namespace pintle::dns

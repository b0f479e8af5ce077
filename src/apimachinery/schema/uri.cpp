#include "apimachinery/schema/uri.h"

#include <algorithm>

#include "base/ip_address.h"

namespace pintle::apimachinery::schema {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alnum(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// Each '%' begins two hexadecimal digits.
bool escapes_are_whole(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
  return true;
}

// "" or ":" and digits.
bool is_port(std::string_view text) {
  return text.empty() || (text[0] == ':' && std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
}

bool is_bracketed_host(std::string_view host) {
  const std::size_t end = host.rfind(']');
  if (end == std::string_view::npos || !is_port(host.substr(end + 1))) return false;
  std::string_view address = host.substr(1, end - 1);
  if (const std::size_t zone = address.find("%25"); zone != std::string_view::npos) {
    if (!escapes_are_whole(address.substr(zone))) return false;
    address = address.substr(0, zone);
  }
  const auto parsed = parse_address(address);
  return parsed && address.find(':') != std::string_view::npos;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return is_bracketed_host(host);
  const std::size_t colon = host.find(':');
  if (colon != std::string_view::npos && !is_port(host.substr(colon))) return false;
  if (!escapes_are_whole(host)) return false;
  for (std::size_t at = 0; at < host.size(); ++at) {
    const char c = host[at];
    // An ASCII character is not written as an escape in a host, "%25" aside.
    if (c == '%' && host[at + 1] < '8' && host.substr(at, 3) != "%25") return false;
    if (static_cast<unsigned char>(c) < 0x80 && !is_alnum(c) && !is_one_of(c, "-_.~!$&'()*+,;=:[]<>\"%")) return false;
  }
  return true;
}

bool is_authority(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return is_host(authority);
  const std::string_view user = authority.substr(0, at);
  const bool good = std::ranges::all_of(user, [](char c) { return is_alnum(c) || is_one_of(c, "-._:~!$&'()*+,;=%@"); });
  return good && escapes_are_whole(user) && is_host(authority.substr(at + 1));
}

// The length of "scheme:", 0 where there is none; npos: a colon with nothing before it.
std::size_t scheme_length(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_letter(text[i])) continue;
    if (text[i] == ':') return i == 0 ? std::string_view::npos : i + 1;
    if (i == 0 || !(is_alnum(text[i]) || is_one_of(text[i], "+-."))) return 0;
  }
  return 0;
}

}  // namespace

bool is_request_uri(std::string_view text) {
  if (text.empty() || std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) return false;
  if (text == "*") return true;
  const std::size_t scheme = scheme_length(text);
  if (scheme == std::string_view::npos) return false;
  std::string_view rest = text.substr(scheme);
  rest = rest.substr(0, rest.find('?'));
  if (!rest.starts_with('/')) return scheme > 0;
  if (scheme > 0 && rest.starts_with("//")) {
    const std::string_view authority = rest.substr(2, rest.find('/', 2) - 2);
    if (!is_authority(authority)) return false;
    rest.remove_prefix(2 + authority.size());
  }
  return escapes_are_whole(rest);
}

}  // namespace pintle::apimachinery::schema

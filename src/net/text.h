// The few operations on ASCII text that HTTP needs everywhere. Locale-free.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace pintle::net {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool equal_fold(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}
// Without spaces and tabs at both ends.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}
// RFC 9110 5.6.2: what a method, a header name or a parameter name is made of.
constexpr bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool is_token(std::string_view text) {
  for (char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}
// A header value: no control character but the tab.
constexpr bool is_field_value(std::string_view text) {
  for (char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\t') || u == 0x7f) return false;
  }
  return true;
}
// The elements of a comma-separated header value, trimmed; empty ones are left out. Commas inside quotes do not count.
std::vector<std::string_view> split_list(std::string_view value);
// True if the comma-separated list holds `token`, without case.
bool list_has(std::string_view value, std::string_view token);
// RFC 4648 base64 with padding, as Sec-WebSocket-Accept wants it.
std::string base64(std::string_view bytes);

}  // namespace pintle::net

#include "apiserver/aggregation/front_proxy_headers.h"

#include <fmt/format.h>

#include "net/text.h"

namespace pintle::apiserver::aggregation {

namespace {

constexpr std::string_view prefix = "x-remote-";

void append_escaped(std::string& out, char c) { fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c)); }

bool is_plain_in_path(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("-_.~$&+,/:;=@").find(c) != std::string_view::npos;
}

Result<Unit> add(net::Headers& headers, std::string name, const std::string& value) {
  if (!net::is_field_value(value)) return error(Reason::ServiceUnavailable, fmt::format("net/http: invalid header field value for \"{}\"", name));
  headers.add(std::move(name), value);
  return Unit{};
}

}  // namespace

std::string escape_key(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (net::is_token_char(c) && c != '%') {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string escape_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (is_plain_in_path(c)) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

Result<Unit> set_user(net::Headers& headers, const UserInfo& user) {
  net::Headers out;
  for (const auto& [name, value] : headers.items())
    if (!net::equal_fold(std::string_view(name).substr(0, prefix.size()), prefix)) out.add(name, value);
  TRY(add(out, "X-Remote-User", user.name));
  if (!user.uid.empty()) TRY(add(out, "X-Remote-Uid", user.uid));
  for (const std::string& group : user.groups) TRY(add(out, "X-Remote-Group", group));
  for (const auto& [key, values] : user.extra)
    for (const std::string& value : values) TRY(add(out, "X-Remote-Extra-" + escape_key(key), value));
  headers = std::move(out);
  return Unit{};
}

}  // namespace pintle::apiserver::aggregation

// URLs of requests, as Go's url.ParseRequestURI takes them: absolute, or a path that begins with a slash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pintle::apimachinery::cel {

struct ParsedUrl {
  std::string text, scheme, host, escaped_path, query;
  bool opaque = false;  // "mailto:someone"
};
std::optional<ParsedUrl> parse_request_url(std::string_view text);

}  // namespace pintle::apimachinery::cel

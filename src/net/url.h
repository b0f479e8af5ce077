// URLs and queries, as Go's net/url reads them: what clients of Kubernetes rely on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::net {

// "%2F" -> "/". nullopt on a malformed escape. In a query component '+' is a space.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
// Escapes everything but letters, digits and "-_.~" (a path segment or a query value).
std::string percent_encode(std::string_view text);

// name -> values in order.
using Query = std::map<std::string, std::vector<std::string>, std::less<>>;
// Never fails: a component with a malformed escape or a ';' is left out, as Go's URL.Query() does.
Query parse_query(std::string_view query);
// The first value of `name`, or "".
std::string_view query_get(const Query& query, std::string_view name);
// "a=1&b=x%20y", names in order.
std::string format_query(const Query& query);

// "[::1]:80", "10.0.0.1:80", or without the port.
std::string join_host_port(std::string_view host, std::string_view port);

// An absolute http, https or unix URL, taken apart for a client.
struct Url {
  std::string scheme;     // "http", "https" or "unix"
  std::string host;       // without brackets; unix: the socket's path
  uint16_t port = 0;      // the scheme's default if none is given
  std::string target;     // path and query, "/" at least
  std::string authority;  // what goes into Host: host[:port] as given
};
// BadRequest if it is none of these. "unix:/run/x.sock:/path" names a socket and a path on it.
Result<Url> parse_url(std::string_view text);

}  // namespace pintle::net

#include "net/url.h"

#include <charconv>

#include "net/text.h"

namespace pintle::net {

namespace {
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      const auto u = static_cast<unsigned char>(c);
      out += {'%', digits[u >> 4], digits[u & 15]};
    }
  }
  return out;
}

Query parse_query(std::string_view query) {
  Query out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (part.empty() || part.find(';') != std::string_view::npos) continue;
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (name && value) out[std::move(*name)].push_back(std::move(*value));
  }
  return out;
}

std::string_view query_get(const Query& query, std::string_view name) {
  const auto found = query.find(name);
  return found == query.end() ? std::string_view() : std::string_view(found->second.front());
}

std::string format_query(const Query& query) {
  std::string out;
  for (const auto& [name, values] : query) {
    for (const auto& value : values) {
      if (!out.empty()) out += '&';
      out += percent_encode(name) + "=" + percent_encode(value);
    }
  }
  return out;
}

std::string join_host_port(std::string_view host, std::string_view port) {
  std::string out = host.find(':') == host.npos ? std::string(host) : "[" + std::string(host) + "]";
  if (!port.empty()) out.append(":").append(port);
  return out;
}

namespace {
Result<Url> parse_unix_url(std::string_view rest) {
  Url url;
  url.scheme = "unix";
  const auto colon = rest.find(':');
  url.host = std::string(rest.substr(0, colon));
  url.target = colon == std::string_view::npos ? "/" : std::string(rest.substr(colon + 1));
  url.authority = "localhost";
  if (url.host.empty() || !url.target.starts_with('/')) return bad_request("malformed unix URL");
  return url;
}
}  // namespace

Result<Url> parse_url(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return bad_request("a URL holds a space or control character");
  }
  if (text.starts_with("unix:")) return parse_unix_url(text.substr(5));
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad_request("not an absolute URL: " + std::string(text));
  Url url;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return bad_request("unsupported URL scheme " + url.scheme);
  text.remove_prefix(colon + 3);
  const auto end = text.find_first_of("/?#");
  url.authority = std::string(text.substr(0, end));
  url.target = end == std::string_view::npos ? "/" : std::string(text.substr(end, text.find('#', end) - end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  std::string_view host = url.authority;
  if (host.find('@') != std::string_view::npos) return bad_request("credentials in a URL are not supported");
  std::string_view port;
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == std::string_view::npos) return bad_request("malformed host in a URL");
    port = host.substr(close + 1);
    host = host.substr(1, close - 1);
  } else if (const auto at = host.find(':'); at != std::string_view::npos) {
    port = host.substr(at);
    host = host.substr(0, at);
  }
  url.host = std::string(host);
  url.port = url.scheme == "https" ? 443 : 80;
  if (!port.empty() && port != ":") {
    const auto [last, ec] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
    if (port[0] != ':' || ec != std::errc() || last != port.data() + port.size()) return bad_request("malformed port in a URL");
  }
  if (url.host.empty()) return bad_request("a URL without a host");
  return url;
}

}  // namespace pintle::net

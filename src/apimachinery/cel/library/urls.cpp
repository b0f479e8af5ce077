// url(): Kubernetes' library of URLs, taken apart as Go's net/url does it (RFC 3986 with what Go tolerates), and jsonpatch.escapeKey().
#include "apimachinery/cel/library/urls.h"

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "net/url.h"

namespace pintle::apimachinery::cel {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return true;
  return false;
}
bool good_escapes(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) return false;
  return true;
}
// What may stand in a path as it is.
bool plain_in_path(char c) { return is_letter(c) || is_digit(c) || std::string_view("-_.~$&+,/:;=@!*'()[]").find(c) != std::string_view::npos; }

bool good_port(std::string_view port) {
  if (port.empty()) return true;
  if (port[0] != ':') return false;
  for (const char c : port.substr(1))
    if (!is_digit(c)) return false;
  return true;
}

bool split_host(std::string_view authority, ParsedUrl& url) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    for (const char c : authority.substr(0, at))
      if (!is_letter(c) && !is_digit(c) && std::string_view("-._:~!$&'()*+,;=%@").find(c) == std::string_view::npos) return false;
    if (!good_escapes(authority.substr(0, at))) return false;
    authority.remove_prefix(at + 1);
  }
  if (authority.starts_with('[')) {
    const std::size_t end = authority.rfind(']');
    if (end == std::string_view::npos || !good_port(authority.substr(end + 1))) return false;
  } else {
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && !good_port(authority.substr(colon))) return false;
  }
  for (const char c : authority)
    if (static_cast<unsigned char>(c) < 0x80 && !is_letter(c) && !is_digit(c) &&
        std::string_view("-_.~!$&'()*+,;=:[]<>\"%").find(c) == std::string_view::npos)
      return false;
  if (authority.find('%') != std::string_view::npos && !good_escapes(authority)) return false;
  const auto decoded = net::percent_decode(authority);
  url.host = decoded ? *decoded : std::string(authority);
  return true;
}

}  // namespace

std::optional<ParsedUrl> parse_request_url(std::string_view text) {
  if (text.empty() || has_control(text)) return std::nullopt;
  ParsedUrl url;
  std::string_view rest = text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_letter(c)) continue;
    if ((is_digit(c) || c == '+' || c == '-' || c == '.') && i > 0) continue;
    if (c == ':') {
      if (i == 0) return std::nullopt;
      for (const char s : text.substr(0, i)) url.scheme += s >= 'A' && s <= 'Z' ? static_cast<char>(s + 32) : s;
      rest = text.substr(i + 1);
    }
    break;
  }
  // The fragment belongs to the URL, though a request would take it for a part of its path.
  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    if (!good_escapes(rest.substr(hash + 1))) return std::nullopt;
    rest = rest.substr(0, hash);
  }
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    url.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) {
    if (url.scheme.empty()) return std::nullopt;
    url.opaque = true;
    return url;
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    if (url.scheme.empty()) {
      // "//host" of a request is a path.
    }
    const std::size_t slash = rest.find('/', 2);
    if (!split_host(rest.substr(2, slash == std::string_view::npos ? slash : slash - 2), url)) return std::nullopt;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  if (!good_escapes(rest)) return std::nullopt;
  for (const char c : rest) {
    if (c == '%' || plain_in_path(c)) {
      url.escaped_path += c;
    } else {
      constexpr std::string_view digits = "0123456789ABCDEF";
      url.escaped_path += '%';
      url.escaped_path += digits[static_cast<unsigned char>(c) >> 4];
      url.escaped_path += digits[static_cast<unsigned char>(c) & 15];
    }
  }
  url.text = text;
  return url;
}

namespace {

class UrlValue final : public Opaque {
 public:
  explicit UrlValue(ParsedUrl url) : url(std::move(url)) {}
  const Type& type() const override { return types::url; }
  bool equals(const Opaque& other) const override { return url.text == static_cast<const UrlValue&>(other).url.text; }
  ParsedUrl url;
};
const ParsedUrl& url_of(const Call& call) { return static_cast<const UrlValue&>(call[0].as_opaque()).url; }

Value make(const Call& call) {
  auto url = parse_request_url(call[0].text());
  if (!url) return call.fail("URL parse error during conversion from string: parse \"" + std::string(call[0].text()) + "\": invalid URI for request");
  return Value::of(*call.arena.make<UrlValue>(std::move(*url)));
}
Value is_url(const Call& call) { return Value::of(parse_request_url(call[0].text()).has_value()); }
Value scheme(const Call& call) { return Value::of(std::string_view(url_of(call).scheme)); }
Value host(const Call& call) { return Value::of(std::string_view(url_of(call).host)); }
struct HostPort {
  std::string_view host, port;
};
HostPort split(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return {host, {}};
    const std::string_view after = host.substr(end + 1);
    return {host.substr(1, end - 1), after.starts_with(':') ? after.substr(1) : std::string_view()};
  }
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return {host, {}};
  return {host.substr(0, colon), host.substr(colon + 1)};
}
Value hostname(const Call& call) { return Value::of(split(url_of(call).host).host); }
Value port(const Call& call) { return Value::of(split(url_of(call).host).port); }
Value escaped_path(const Call& call) { return Value::of(std::string_view(url_of(call).escaped_path)); }
Value query(const Call& call) {
  auto* made = call.arena.make<MadeMap>();
  for (const auto& [name, values] : net::parse_query(url_of(call).query)) {
    auto* list = call.arena.make<MadeList>();
    for (const std::string& value : values) list->push_back(Value::of(call.arena.copy(std::string_view(value))));
    made->insert(Value::of(call.arena.copy(std::string_view(name))), Value::of(*list));
  }
  return Value::of(*made);
}

Value escape_key(const Call& call) {
  std::string out;
  for (const char c : call[0].text()) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return Value::of(call.arena.copy(std::string_view(out)));
}

const Type query_type{TypeKind::Map, false, "map", {&types::string, &types::list_string}};
constexpr auto& one = of<&types::url>;
const Overload url_overloads[] = {{"string_to_url", false, of<&types::string>, &types::url, make}};
const Overload is_url_overloads[] = {{"is_url_string", false, of<&types::string>, &types::boolean, is_url}};
const Overload scheme_overloads[] = {{"url_get_scheme", true, one, &types::string, scheme}};
const Overload host_overloads[] = {{"url_get_host", true, one, &types::string, host}};
const Overload hostname_overloads[] = {{"url_get_hostname", true, one, &types::string, hostname}};
const Overload port_overloads[] = {{"url_get_port", true, one, &types::string, port}};
const Overload path_overloads[] = {{"url_get_escaped_path", true, one, &types::string, escaped_path}};
const Overload query_overloads[] = {{"url_get_query", true, one, &query_type, query}};
const Function functions[] = {{"url", url_overloads},
                              {"isURL", is_url_overloads},
                              {"getScheme", scheme_overloads},
                              {"getHost", host_overloads},
                              {"getHostname", hostname_overloads},
                              {"getPort", port_overloads},
                              {"getEscapedPath", path_overloads},
                              {"getQuery", query_overloads}};
const Overload escape_overloads[] = {{"string_jsonpatch_escapeKey_string", false, of<&types::string>, &types::string, escape_key}};
const Function patch_functions[] = {{"jsonpatch.escapeKey", escape_overloads}};

}  // namespace

std::span<const Function> url_functions() { return functions; }
std::span<const Function> json_patch_functions() { return patch_functions; }

}  // namespace pintle::apimachinery::cel

#include "apimachinery/validation/formats.h"

#include <algorithm>
#include <utility>

namespace pintle::apimachinery {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }

std::string too_long(std::size_t max) { return "must be no more than " + std::to_string(max) + " characters"; }

bool all_of(std::string_view text, auto&& predicate) { return !text.empty() && std::ranges::all_of(text, predicate); }

bool is_dns_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

// A label may begin with '_' and hold it inside.
bool is_dns_label_with_underscore(std::string_view text) {
  if (text.starts_with('_')) text.remove_prefix(1);
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         all_of(text, [](char c) { return is_lower_alnum(c) || c == '-' || c == '_'; });
}

bool every_label(std::string_view text, bool (*check)(std::string_view)) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!check(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_dns_subdomain(std::string_view text) { return every_label(text, is_dns_label); }

// Alphanumeric at both ends; '-', '_' and '.' inside.
bool is_name_part(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

void check_parent_directory(std::string_view text, Faults& faults) {
  if (text == ".") {
    faults.emplace_back("must not be '.'");
  } else if (text == "..") {
    faults.emplace_back("must not be '..'");
  } else if (text.starts_with("..")) {
    faults.emplace_back("must not start with '..'");
  }
}

constexpr std::string_view subdomain_rule =
    "a DNS subdomain holds lower case letters, digits, '-' and '.', and begins and ends with a letter or digit (such as 'example.com')";
constexpr std::string_view name_part_rule =
    "letters, digits, '-', '_' and '.' are allowed, and the first and last must be a letter or digit (such as 'MyName' or 'my.name')";

std::string_view without_trailing_dash(std::string_view name, std::string& storage) {
  if (name.size() <= 1 || !name.ends_with('-')) return name;
  storage = std::string(name.substr(0, name.size() - 2)) + "a";
  return storage;
}

Faults check_name(std::string_view name, bool prefix, FormatCheck check) {
  std::string storage;
  return check(prefix ? without_trailing_dash(name, storage) : name);
}

}  // namespace

Faults check_dns_label(std::string_view text) {
  Faults faults;
  if (text.size() > dns_label_bytes_max) faults.push_back(too_long(dns_label_bytes_max));
  if (is_dns_label(text)) return faults;
  if (is_dns_subdomain(text)) {
    faults.emplace_back("must not contain dots");
  } else {
    faults.emplace_back("a DNS label holds lower case letters, digits and '-', and begins and ends with a letter or digit (such as 'my-name')");
  }
  return faults;
}

Faults check_dns_subdomain(std::string_view text) {
  Faults faults;
  if (text.size() > dns_subdomain_bytes_max) faults.push_back(too_long(dns_subdomain_bytes_max));
  if (!is_dns_subdomain(text)) faults.emplace_back(subdomain_rule);
  return faults;
}

Faults check_dns_subdomain_with_underscore(std::string_view text) {
  Faults faults;
  if (text.size() > dns_subdomain_bytes_max) faults.push_back(too_long(dns_subdomain_bytes_max));
  if (!every_label(text, is_dns_label_with_underscore)) faults.emplace_back(subdomain_rule);
  return faults;
}

Faults check_wildcard_dns_subdomain(std::string_view text) {
  Faults faults;
  if (text.size() > dns_subdomain_bytes_max) faults.push_back(too_long(dns_subdomain_bytes_max));
  if (!text.starts_with("*.") || !is_dns_subdomain(text.substr(2)))
    faults.emplace_back("a wildcard name begins with '*.', followed by a DNS subdomain (such as '*.example.com')");
  return faults;
}

Faults check_dns1035_label(std::string_view text) {
  Faults faults;
  if (text.size() > dns_label_bytes_max) faults.push_back(too_long(dns_label_bytes_max));
  if (!is_dns_label(text) || !is_lower(text.front()))
    faults.emplace_back(
        "a DNS-1035 label holds lower case letters, digits and '-', begins with a letter and ends with a letter or digit (such as 'my-name')");
  return faults;
}

Faults check_qualified_name(std::string_view text) {
  Faults faults;
  std::string_view name = text;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      faults.emplace_back("a qualified name is a name with at most one prefix, 'prefix/name'; " + std::string(name_part_rule));
      return faults;
    }
    if (prefix.empty()) {
      faults.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& fault : check_dns_subdomain(prefix)) faults.push_back("prefix part: " + fault);
    }
  }
  if (name.empty()) {
    faults.emplace_back("name part must be non-empty");
  } else if (name.size() > dns_label_bytes_max) {
    faults.push_back("name part " + too_long(dns_label_bytes_max));
  }
  if (!is_name_part(name)) faults.emplace_back("name part: " + std::string(name_part_rule));
  return faults;
}

Faults check_label_value(std::string_view text) {
  Faults faults;
  if (text.size() > label_value_bytes_max) faults.push_back(too_long(label_value_bytes_max));
  if (!text.empty() && !is_name_part(text)) faults.emplace_back("a label value is empty, or: " + std::string(name_part_rule));
  return faults;
}

Faults check_c_identifier(std::string_view text) {
  if (all_of(text, [](char c) { return is_alnum(c) || c == '_'; }) && !is_digit(text.front())) return {};
  return {"a C identifier holds letters, digits and '_', and does not begin with a digit (such as 'my_name')"};
}

Faults check_env_var_name(std::string_view text) {
  Faults faults;
  if (text.empty()) faults.emplace_back("environment variable name must be non-empty");
  if (std::ranges::any_of(text, [](char c) { return c < 0x20 || c > 0x7e || c == '='; }))
    faults.emplace_back("an environment variable name holds printable ASCII characters other than '='");
  return faults;
}

Faults check_config_map_key(std::string_view text) {
  Faults faults;
  if (text.size() > dns_subdomain_bytes_max) faults.push_back(too_long(dns_subdomain_bytes_max));
  if (!all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }))
    faults.emplace_back("a key holds letters, digits, '-', '_' and '.' (such as 'key.name')");
  check_parent_directory(text, faults);
  return faults;
}

Faults check_http_header_name(std::string_view text) {
  if (all_of(text, [](char c) { return is_alnum(c) || c == '-'; })) return {};
  return {"a header name holds letters, digits and '-' (such as 'X-Header-Name')"};
}

Faults check_in_range(int64_t value, int64_t minimum, int64_t maximum) {
  if (value >= minimum && value <= maximum) return {};
  return {"must be between " + std::to_string(minimum) + " and " + std::to_string(maximum) + ", inclusive"};
}

Faults check_port_number(int64_t port) { return check_in_range(port, 1, 65535); }
Faults check_user_id(int64_t id) { return check_in_range(id, 0, INT32_MAX); }

Faults check_port_name(std::string_view text) {
  Faults faults;
  if (text.size() > port_name_bytes_max) faults.push_back(too_long(port_name_bytes_max));
  if (!all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; }))
    faults.emplace_back("only lower case letters, digits and hyphens are allowed");
  if (std::ranges::none_of(text, is_lower)) faults.emplace_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos) faults.emplace_back("must not contain consecutive hyphens");
  if (text.starts_with('-') || text.ends_with('-')) faults.emplace_back("must not begin or end with a hyphen");
  return faults;
}

Faults check_percent(std::string_view text) {
  if (text.ends_with('%') && all_of(text.substr(0, text.size() - 1), is_digit)) return {};
  return {"a percentage is digits followed by '%' (such as '93%')"};
}

Faults check_path_segment_name(std::string_view text) {
  if (text == ".") return {"may not be '.'"};
  if (text == "..") return {"may not be '..'"};
  Faults faults;
  for (const char c : {'/', '%'})
    if (text.find(c) != std::string_view::npos) faults.push_back(std::string("may not contain '") + c + "'");
  return faults;
}

Faults check_domain_prefixed_path(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return {"must be a domain and a path (such as \"acme.io/foo\")"};
  Faults faults = check_dns_subdomain(text.substr(0, slash));
  const auto allowed = [](char c) { return is_alnum(c) || std::string_view("/-._~%!$&'()*+,;=:").find(c) != std::string_view::npos; };
  if (!all_of(text.substr(slash + 1), allowed)) faults.emplace_back("the path holds a character that is not allowed in a URL path");
  return faults;
}

Faults check_fully_qualified_name(std::string_view text) {
  Faults faults = check_dns_subdomain(text);
  if (faults.empty() && std::ranges::count(text, '.') < 2) faults.emplace_back("must be a domain of at least three segments");
  return faults;
}

Faults check_uuid(std::string_view text) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  bool good = text.size() == 36;
  for (std::size_t i = 0; good && i < text.size(); ++i) good = i == 8 || i == 13 || i == 18 || i == 23 ? text[i] == '-' : is_hex(text[i]);
  if (good) return {};
  return {"must be a lower case UUID in its 8-4-4-4-12 form"};
}

Faults name_is_dns_subdomain(std::string_view name, bool prefix) { return check_name(name, prefix, check_dns_subdomain); }
Faults name_is_dns_label(std::string_view name, bool prefix) { return check_name(name, prefix, check_dns_label); }
Faults name_is_dns1035_label(std::string_view name, bool prefix) { return check_name(name, prefix, check_dns1035_label); }

Faults name_is_path_segment(std::string_view name, bool prefix) {
  if (!prefix) return check_path_segment_name(name);
  Faults faults;  // "." and ".." are fine as the beginning of a name
  for (const char c : {'/', '%'})
    if (name.find(c) != std::string_view::npos) faults.push_back(std::string("may not contain '") + c + "'");
  return faults;
}

FormatCheck find_format(std::string_view format) {
  static constexpr std::pair<std::string_view, FormatCheck> formats[] = {
      {"dns-label", check_dns_label},
      {"dns-subdomain", check_dns_subdomain},
      {"dns-1035-label", check_dns1035_label},
      {"dns1035-label", check_dns1035_label},
      {"qualified-name", check_qualified_name},
      {"label-key", check_qualified_name},
      {"label-value", check_label_value},
      {"c-identifier", check_c_identifier},
      {"config-map-key", check_config_map_key},
      {"env-var-name", check_env_var_name},
      {"http-header-name", check_http_header_name},
      {"port-name", check_port_name},
      {"percent", check_percent},
      {"path-segment-name", check_path_segment_name},
      {"path-segment", check_path_segment_name},
      {"domain-prefixed-path", check_domain_prefixed_path},
      {"fully-qualified-name", check_fully_qualified_name},
      {"ip", check_ip},
      {"cidr", check_cidr},
      {"uuid", check_uuid},
      {"k8s-short-name", check_dns_label},
      {"k8s-long-name", check_dns_subdomain},
      {"k8s-label-key", check_qualified_name},
      {"k8s-label-value", check_label_value},
      {"k8s-uuid", check_uuid},
      {"k8s-path-segment-name", check_path_segment_name},
  };
  for (const auto& [name, check] : formats)
    if (name == format) return check;
  return nullptr;
}

}  // namespace pintle::apimachinery

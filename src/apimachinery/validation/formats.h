// The formats of strings: DNS names, qualified names, label values, addresses and the like. Each check returns what is
// wrong, one message for each rule broken (as upstream: one cause each), and nothing for a good value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::apimachinery {

using Faults = std::vector<std::string>;

inline constexpr std::size_t dns_label_bytes_max = 63;
inline constexpr std::size_t dns_subdomain_bytes_max = 253;
inline constexpr std::size_t label_value_bytes_max = 63;
inline constexpr std::size_t port_name_bytes_max = 15;

Faults check_dns_label(std::string_view text);      // RFC 1123 label
Faults check_dns_subdomain(std::string_view text);  // RFC 1123 subdomain
Faults check_dns_subdomain_with_underscore(std::string_view text);
Faults check_wildcard_dns_subdomain(std::string_view text);  // "*." and a subdomain
Faults check_dns1035_label(std::string_view text);
Faults check_qualified_name(std::string_view text);  // label keys: [subdomain/]name
Faults check_label_value(std::string_view text);
Faults check_c_identifier(std::string_view text);
Faults check_env_var_name(std::string_view text);  // any printable ASCII but '='
Faults check_config_map_key(std::string_view text);
Faults check_http_header_name(std::string_view text);
Faults check_port_number(int64_t port);
Faults check_port_name(std::string_view text);             // RFC 6335 service name
Faults check_percent(std::string_view text);               // "25%"
Faults check_user_id(int64_t id);                          // also group ids
Faults check_path_segment_name(std::string_view text);     // neither "." nor ".." nor holds '/' or '%'
Faults check_domain_prefixed_path(std::string_view text);  // acme.io/foo
Faults check_fully_qualified_name(std::string_view text);  // a subdomain of three labels or more
Faults check_uuid(std::string_view text);
Faults check_in_range(int64_t value, int64_t minimum, int64_t maximum);

// Addresses and ranges (base/ip_address.h reads them).
Faults check_ip(std::string_view text);         // strict and canonical
Faults check_legacy_ip(std::string_view text);  // strict, not necessarily canonical
Faults check_cidr(std::string_view text);
Faults check_legacy_cidr(std::string_view text);

// A resource's rule for names; `prefix`: the text is a generateName, to which characters will be added.
using NameCheck = Faults (*)(std::string_view name, bool prefix);
Faults name_is_dns_subdomain(std::string_view name, bool prefix);
Faults name_is_dns_label(std::string_view name, bool prefix);
Faults name_is_dns1035_label(std::string_view name, bool prefix);
Faults name_is_path_segment(std::string_view name, bool prefix);

// The check that the schema calls `format`; nullptr if there is none of that name.
using FormatCheck = Faults (*)(std::string_view text);
FormatCheck find_format(std::string_view format);

}  // namespace pintle::apimachinery

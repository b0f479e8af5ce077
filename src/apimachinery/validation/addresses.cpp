// What is wrong with the text of an address or a range.
#include "apimachinery/validation/formats.h"
#include "base/ip_address.h"

namespace pintle::apimachinery {
namespace {

Faults check_canonical(std::string_view text, const std::string& canonical) {
  if (text == canonical) return {};
  return {"must be in canonical form (\"" + canonical + "\")"};
}

}  // namespace

Faults check_legacy_ip(std::string_view text) {
  if (parse_address(text, IpSyntax::Strict)) return {};
  if (!parse_address(text)) return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
  return {"must not have leading 0s, and must not be an IPv4-mapped IPv6 address"};
}

Faults check_ip(std::string_view text) {
  Faults faults = check_legacy_ip(text);
  return faults.empty() ? check_canonical(text, parse_address(text)->to_string()) : faults;
}

Faults check_legacy_cidr(std::string_view text) {
  const auto range = parse_unmasked_prefix(text, IpSyntax::Strict);
  if (!range) {
    if (!parse_prefix(text)) return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
    return {"must not have leading 0s, and must not have an IPv4-mapped IPv6 address"};
  }
  if (range->masked() != *range) return {"must not have bits set beyond the prefix length"};
  return {};
}

Faults check_cidr(std::string_view text) {
  Faults faults = check_legacy_cidr(text);
  return faults.empty() ? check_canonical(text, parse_prefix(text)->to_string()) : faults;
}

}  // namespace pintle::apimachinery

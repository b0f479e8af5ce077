// ip() and cidr(): Kubernetes' library of addresses.
#include <algorithm>

#include "apimachinery/cel/library/libraries.h"
#include "base/ip_address.h"

namespace pintle::apimachinery::cel {
namespace {

class IpValue final : public Opaque {
 public:
  explicit IpValue(const IpAddress& address) : address(address) {}
  const Type& type() const override { return types::ip; }
  bool equals(const Opaque& other) const override { return address == static_cast<const IpValue&>(other).address; }
  uint64_t size() const override { return address.width_bits() / 8; }
  IpAddress address;
};
class CidrValue final : public Opaque {
 public:
  explicit CidrValue(const IpPrefix& prefix) : prefix(prefix) {}
  const Type& type() const override { return types::cidr; }
  bool equals(const Opaque& other) const override { return prefix == static_cast<const CidrValue&>(other).prefix; }
  uint64_t size() const override { return (prefix.bits + 7U) / 8; }
  IpPrefix prefix;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// Strict reading refuses zones and IPv4-mapped addresses, too.
std::optional<IpAddress> read_ip(std::string_view text, std::string* error = nullptr) {
  auto address = parse_address(text, IpSyntax::Strict);
  if (!address && error) {
    const bool is_v6 = text.find(':') < text.find('%');
    if (is_v6 && text.find('%') != std::string_view::npos) {
      *error = "IP address " + quoted(text) + " with zone value is not allowed";
    } else if (parse_address(text)) {
      *error = "IPv4-mapped IPv6 address " + quoted(text) + " is not allowed";
    } else {
      const bool dotted =
          !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos && text.find('.') != std::string_view::npos;
      const std::size_t dots = static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
      *error = "IP Address " + quoted(text) + " parse error during conversion from string: ParseAddr(" + quoted(text) +
               (dotted && dots < 3   ? "): IPv4 address too short"
                : dotted && dots > 3 ? "): IPv4 address too long"
                                     : "): unable to parse IP");
    }
  }
  return address;
}
std::optional<IpPrefix> read_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !parse_address(text.substr(0, slash), IpSyntax::Strict)) return std::nullopt;
  return parse_unmasked_prefix(text, IpSyntax::Strict);
}
std::string cidr_error(std::string_view text) {
  return "network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(" +
         quoted(text) + (text.find('/') == std::string_view::npos ? "): no '/'" : "): unable to parse IP");
}

const IpAddress& ip_of(const Value& v) { return static_cast<const IpValue&>(v.as_opaque()).address; }
const IpPrefix& cidr_of(const Value& v) { return static_cast<const CidrValue&>(v.as_opaque()).prefix; }
Value made(const Call& call, const std::string& text) { return Value::of(call.arena.copy(std::string_view(text))); }

Value make_ip(const Call& call) {
  std::string error;
  const auto address = read_ip(call[0].text(), &error);
  return address ? Value::of(*call.arena.make<IpValue>(*address)) : call.fail(error);
}
Value is_ip(const Call& call) { return Value::of(read_ip(call[0].text()).has_value()); }
Value is_canonical(const Call& call) {
  std::string error;
  const auto address = read_ip(call[0].text(), &error);
  return address ? Value::of(address->to_string() == call[0].text()) : call.fail(error);
}
Value ip_text(const Call& call) { return made(call, ip_of(call[0]).to_string()); }
Value family(const Call& call) { return Value::of(ip_of(call[0]).is_v6() ? 6 : 4); }
Value is_unspecified(const Call& call) { return Value::of(ip_of(call[0]).is_unspecified()); }
Value is_loopback(const Call& call) { return Value::of(ip_of(call[0]).is_loopback()); }
bool link_local_multicast(const IpAddress& a) {
  return a.is_v6() ? a.bytes[0] == 0xFF && (a.bytes[1] & 0x0F) == 0x02 : a.bytes[0] == 224 && a.bytes[1] == 0 && a.bytes[2] == 0;
}
bool link_local_unicast(const IpAddress& a) {
  return a.is_v6() ? a.bytes[0] == 0xFE && (a.bytes[1] & 0xC0) == 0x80 : a.bytes[0] == 169 && a.bytes[1] == 254;
}
bool multicast(const IpAddress& a) { return a.is_v6() ? a.bytes[0] == 0xFF : (a.bytes[0] & 0xF0) == 0xE0; }
bool broadcast(const IpAddress& a) { return !a.is_v6() && a.bytes[0] == 255 && a.bytes[1] == 255 && a.bytes[2] == 255 && a.bytes[3] == 255; }
Value is_link_local_multicast(const Call& call) { return Value::of(link_local_multicast(ip_of(call[0]))); }
Value is_link_local_unicast(const Call& call) { return Value::of(link_local_unicast(ip_of(call[0]))); }
Value is_global_unicast(const Call& call) {
  const IpAddress& a = ip_of(call[0]);
  return Value::of(!broadcast(a) && !a.is_unspecified() && !a.is_loopback() && !multicast(a) && !link_local_unicast(a));
}

Value make_cidr(const Call& call) {
  const auto prefix = read_cidr(call[0].text());
  return prefix ? Value::of(*call.arena.make<CidrValue>(*prefix)) : call.fail(cidr_error(call[0].text()));
}
Value is_cidr(const Call& call) { return Value::of(read_cidr(call[0].text()).has_value()); }
Value cidr_text(const Call& call) { return made(call, cidr_of(call[0]).to_string()); }
bool holds(const IpPrefix& prefix, const IpAddress& address) { return prefix.address.family == address.family && prefix.masked().contains(address); }
Value contains_ip(const Call& call) { return Value::of(holds(cidr_of(call[0]), ip_of(call[1]))); }
Value contains_ip_text(const Call& call) {
  std::string error;
  const auto address = read_ip(call[1].text(), &error);
  return address ? Value::of(holds(cidr_of(call[0]), *address)) : call.fail(error);
}
bool holds(const IpPrefix& outer, const IpPrefix& inner) { return outer.bits <= inner.bits && holds(outer, inner.address); }
Value contains_cidr(const Call& call) { return Value::of(holds(cidr_of(call[0]), cidr_of(call[1]))); }
Value contains_cidr_text(const Call& call) {
  const auto prefix = read_cidr(call[1].text());
  return prefix ? Value::of(holds(cidr_of(call[0]), *prefix)) : call.fail(cidr_error(call[1].text()));
}
Value cidr_ip(const Call& call) { return Value::of(*call.arena.make<IpValue>(cidr_of(call[0]).address)); }
Value prefix_length(const Call& call) { return Value::of(static_cast<int64_t>(cidr_of(call[0]).bits)); }
Value masked(const Call& call) { return Value::of(*call.arena.make<CidrValue>(cidr_of(call[0]).masked())); }

constexpr auto& text = of<&types::string>;
constexpr auto& ip = of<&types::ip>;
constexpr auto& cidr = of<&types::cidr>;
const Overload ip_overloads[] = {{"string_to_ip", false, text, &types::ip, make_ip}};
const Overload family_overloads[] = {{"ip_family", true, ip, &types::integer, family}};
const Overload canonical_overloads[] = {{"ip_is_canonical", false, text, &types::boolean, is_canonical}};
const Overload unspecified_overloads[] = {{"ip_is_unspecified", true, ip, &types::boolean, is_unspecified}};
const Overload loopback_overloads[] = {{"ip_is_loopback", true, ip, &types::boolean, is_loopback}};
const Overload link_multicast_overloads[] = {{"ip_is_link_local_multicast", true, ip, &types::boolean, is_link_local_multicast}};
const Overload link_unicast_overloads[] = {{"ip_is_link_local_unicast", true, ip, &types::boolean, is_link_local_unicast}};
const Overload global_overloads[] = {{"ip_is_global_unicast", true, ip, &types::boolean, is_global_unicast}};
const Overload is_ip_overloads[] = {{"is_ip", false, text, &types::boolean, is_ip}};
const Overload ip_string_overloads[] = {{"ip_to_string", false, ip, &types::string, ip_text}};
const Function ip_table[] = {{"ip", ip_overloads},
                             {"family", family_overloads},
                             {"ip.isCanonical", canonical_overloads},
                             {"isUnspecified", unspecified_overloads},
                             {"isLoopback", loopback_overloads},
                             {"isLinkLocalMulticast", link_multicast_overloads},
                             {"isLinkLocalUnicast", link_unicast_overloads},
                             {"isGlobalUnicast", global_overloads},
                             {"isIP", is_ip_overloads},
                             {"string", ip_string_overloads}};

const Overload cidr_overloads[] = {{"string_to_cidr", false, text, &types::cidr, make_cidr}};
const Overload contains_ip_overloads[] = {{"cidr_contains_ip_string", true, of<&types::cidr, &types::string>, &types::boolean, contains_ip_text},
                                          {"cidr_contains_ip_ip", true, of<&types::cidr, &types::ip>, &types::boolean, contains_ip}};
const Overload contains_cidr_overloads[] = {
    {"cidr_contains_cidr_string", true, of<&types::cidr, &types::string>, &types::boolean, contains_cidr_text},
    {"cidr_contains_cidr", true, of<&types::cidr, &types::cidr>, &types::boolean, contains_cidr}};
const Overload cidr_ip_overloads[] = {{"cidr_ip", true, cidr, &types::ip, cidr_ip}};
const Overload prefix_overloads[] = {{"cidr_prefix_length", true, cidr, &types::integer, prefix_length}};
const Overload masked_overloads[] = {{"cidr_masked", true, cidr, &types::cidr, masked}};
const Overload is_cidr_overloads[] = {{"is_cidr", false, text, &types::boolean, is_cidr}};
const Overload cidr_string_overloads[] = {{"cidr_to_string", false, cidr, &types::string, cidr_text}};
const Function cidr_table[] = {{"cidr", cidr_overloads},      {"containsIP", contains_ip_overloads}, {"containsCIDR", contains_cidr_overloads},
                               {"ip", cidr_ip_overloads},     {"prefixLength", prefix_overloads},    {"masked", masked_overloads},
                               {"isCIDR", is_cidr_overloads}, {"string", cidr_string_overloads}};

}  // namespace

std::span<const Function> ip_functions() { return ip_table; }
std::span<const Function> cidr_functions() { return cidr_table; }

}  // namespace pintle::apimachinery::cel

// IPv4 and IPv6 addresses and prefixes, as text.
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "apimachinery/validation/formats.h"

namespace pintle::apimachinery {
namespace {

bool parse_octets(std::string_view text, bool strict, std::array<uint8_t, 16>& bytes, std::size_t at) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
      value = value * 10 + static_cast<unsigned>(text[digits] - '0');
      if (value > 255) return false;
      ++digits;
    }
    if (digits == 0 || (strict && digits > 1 && text.front() == '0')) return false;
    bytes[at + static_cast<std::size_t>(i)] = static_cast<uint8_t>(value);
    text.remove_prefix(digits);
  }
  return text.empty();
}

bool parse_v6(std::string_view text, bool strict, std::array<uint8_t, 16>& bytes) {
  std::size_t filled = 0;
  std::size_t gap = 17;  // where "::" stands, in bytes
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.starts_with(':')) {
    return false;
  }
  while (!text.empty()) {
    if (filled == 16) return false;
    uint16_t group = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), group, 16);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (failed != std::errc() || length > 4) return false;
    if (length < text.size() && text[length] == '.') {
      if (filled > 12 || !parse_octets(text, strict, bytes, filled)) return false;
      filled += 4;
      text = {};
      break;
    }
    bytes[filled++] = static_cast<uint8_t>(group >> 8);
    bytes[filled++] = static_cast<uint8_t>(group);
    text.remove_prefix(length);
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap <= 16) return false;
      gap = filled;
      text.remove_prefix(2);
    } else if (text.front() == ':' && text.size() > 1) {
      text.remove_prefix(1);
    } else {
      return false;
    }
  }
  if (gap > 16) return filled == 16;
  if (filled == 16) return false;
  std::move_backward(bytes.begin() + static_cast<long>(gap), bytes.begin() + static_cast<long>(filled), bytes.end());
  std::fill(bytes.begin() + static_cast<long>(gap), bytes.begin() + static_cast<long>(gap + 16 - filled), uint8_t{0});
  return true;
}

bool is_mapped_v4(const std::array<uint8_t, 16>& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t b) { return b == 0; }) && bytes[10] == 0xff && bytes[11] == 0xff;
}

Faults check_canonical(std::string_view text, const std::string& canonical) {
  if (text == canonical) return {};
  return {"must be in canonical form (\"" + canonical + "\")"};
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text, bool strict) {
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    if (!parse_octets(text, strict, address.bytes, 0)) return std::nullopt;
    return address;
  }
  if (!parse_v6(text, strict, address.bytes)) return std::nullopt;
  address.v6 = true;
  if (is_mapped_v4(address.bytes)) {
    if (strict) return std::nullopt;
    address.v6 = false;
    std::copy(address.bytes.begin() + 12, address.bytes.end(), address.bytes.begin());
    std::fill(address.bytes.begin() + 4, address.bytes.end(), uint8_t{0});
  }
  return address;
}

std::string IpAddress::to_string() const {
  char buffer[8];
  std::string out;
  if (!v6) {
    for (std::size_t i = 0; i < 4; ++i) out += (i ? "." : "") + std::to_string(bytes[i]);
    return out;
  }
  const auto group = [&](int i) { return (bytes[static_cast<std::size_t>(2 * i)] << 8) | bytes[static_cast<std::size_t>(2 * i + 1)]; };
  int best = -1, best_length = 1;  // the longest run of two zero groups or more becomes "::"
  for (int i = 0; i < 8;) {
    int j = i;
    while (j < 8 && group(j) == 0) ++j;
    if (j - i > best_length) {
      best = i;
      best_length = j - i;
    }
    i = j == i ? i + 1 : j;
  }
  for (int i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    std::snprintf(buffer, sizeof buffer, "%x", group(i));
    out += buffer;
    ++i;
  }
  return out;
}

std::optional<Cidr> parse_cidr(std::string_view text, bool strict) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_ip(text.substr(0, slash), strict);
  if (!address) return std::nullopt;
  const std::string_view bits = text.substr(slash + 1);
  int prefix = 0;
  const auto [end, failed] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
  if (failed != std::errc() || end != bits.data() + bits.size() || prefix < 0 || prefix > (address->v6 ? 128 : 32)) return std::nullopt;
  if (strict && bits.size() > 1 && bits.front() == '0') return std::nullopt;
  return Cidr{*address, prefix};
}

IpAddress Cidr::network() const {
  IpAddress masked = address;
  for (int bit = prefix_bits; bit < (address.v6 ? 128 : 32); ++bit)
    masked.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<uint8_t>(~(0x80u >> (bit % 8)));
  return masked;
}

bool Cidr::contains(const IpAddress& other) const { return other.v6 == address.v6 && Cidr{other, prefix_bits}.network() == network(); }

std::string Cidr::to_string() const { return network().to_string() + "/" + std::to_string(prefix_bits); }

Faults check_legacy_ip(std::string_view text) {
  if (parse_ip(text)) return {};
  if (!parse_ip(text, false)) return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
  return {"must not have leading 0s, and must not be an IPv4-mapped IPv6 address"};
}

Faults check_ip(std::string_view text) {
  Faults faults = check_legacy_ip(text);
  return faults.empty() ? check_canonical(text, parse_ip(text)->to_string()) : faults;
}

Faults check_legacy_cidr(std::string_view text) {
  const auto cidr = parse_cidr(text);
  if (!cidr) {
    if (!parse_cidr(text, false)) return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
    return {"must not have leading 0s, and must not have an IPv4-mapped IPv6 address"};
  }
  if (cidr->network() != cidr->address) return {"must not have bits set beyond the prefix length"};
  return {};
}

Faults check_cidr(std::string_view text) {
  Faults faults = check_legacy_cidr(text);
  return faults.empty() ? check_canonical(text, parse_cidr(text)->to_string()) : faults;
}

}  // namespace pintle::apimachinery

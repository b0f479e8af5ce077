#include "base/ip_address.h"

#include <algorithm>
#include <charconv>

namespace pintle {
namespace {

constexpr unsigned mapped_bits = 96;
constexpr std::array<uint8_t, mapped_bits / 8> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t v4_bytes = 4, v6_bytes = 16, v6_groups = 8;

using Bytes16 = std::array<uint8_t, v6_bytes>;

std::string_view until_no_digit(std::string_view text) { return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size())); }

// A decimal number of at most `max` that begins `text`, which it is taken off.
std::optional<unsigned> take_decimal(std::string_view& text, unsigned max, IpSyntax syntax) {
  const std::string_view digits = until_no_digit(text);
  if (digits.empty() || (syntax == IpSyntax::Strict && digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc() || value > max) return std::nullopt;
  text.remove_prefix(digits.size());
  return value;
}

bool parse_octets(std::string_view text, IpSyntax syntax, uint8_t* out) {
  for (std::size_t i = 0; i < v4_bytes; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    const auto value = take_decimal(text, 255, syntax);
    if (!value) return false;
    out[i] = static_cast<uint8_t>(*value);
  }
  return text.empty();
}

// The groups of an IPv6 address as they stand; where "::" is remembered and widened at the end.
struct Groups {
  Bytes16 bytes{};
  std::size_t filled = 0;
  std::optional<std::size_t> gap;  // of bytes before "::"

  bool widen() {
    if (!gap) return filled == v6_bytes;
    if (filled == v6_bytes) return false;  // "::" stands for a group at least
    std::rotate(bytes.begin() + static_cast<std::ptrdiff_t>(*gap), bytes.begin() + static_cast<std::ptrdiff_t>(filled), bytes.end());
    return true;
  }
};

std::optional<Bytes16> parse_v6(std::string_view text, IpSyntax syntax) {
  Groups out;
  if (text.starts_with("::")) {
    out.gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    uint16_t group = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), group, 16);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (failed != std::errc() || length > 4 || out.filled == v6_bytes) return std::nullopt;
    if (length < text.size() && text[length] == '.') {  // the last 32 bits as IPv4 writes them
      if (out.filled > v6_bytes - v4_bytes || !parse_octets(text, syntax, out.bytes.data() + out.filled)) return std::nullopt;
      out.filled += v4_bytes;
      break;
    }
    out.bytes[out.filled++] = static_cast<uint8_t>(group >> 8);
    out.bytes[out.filled++] = static_cast<uint8_t>(group);
    text.remove_prefix(length);
    if (text.starts_with("::") && !out.gap) {
      out.gap = out.filled;
      text.remove_prefix(2);
    } else if (text.starts_with(':') && text.size() > 1) {
      text.remove_prefix(1);
    } else if (!text.empty()) {
      return std::nullopt;
    }
  }
  if (!out.widen()) return std::nullopt;
  return out.bytes;
}

bool is_mapped(const Bytes16& bytes) { return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin()); }

IpAddress v4_of_mapped(const Bytes16& bytes) {
  IpAddress out;
  std::copy_n(bytes.begin() + mapped_prefix.size(), v4_bytes, out.bytes.begin());
  return out;
}

bool looks_v6(std::string_view text) { return text.find(':') != std::string_view::npos; }

// The bits of byte `i` that a prefix of `bits` bits covers.
uint8_t mask_of_byte(unsigned bits, std::size_t i) {
  const auto first = static_cast<unsigned>(i) * 8;
  if (bits >= first + 8) return 0xff;
  return bits <= first ? 0 : static_cast<uint8_t>(0xff << (first + 8 - bits));
}

std::string format_v6(const Bytes16& bytes) {
  std::array<unsigned, v6_groups> groups;
  for (std::size_t i = 0; i < v6_groups; ++i) groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  std::size_t gap = v6_groups, gap_length = 1;  // the first of the longest runs of two zeros or more becomes "::"
  for (std::size_t i = 0; i < v6_groups; ++i) {
    std::size_t end = i;
    while (end < v6_groups && groups[end] == 0) ++end;
    if (end - i > gap_length) {
      gap = i;
      gap_length = end - i;
    }
    i = std::max(i, end);
  }
  std::string out;
  for (std::size_t i = 0; i < v6_groups;) {
    if (i == gap) {
      out += "::";
      i += gap_length;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    char text[4];
    out.append(text, std::to_chars(text, text + sizeof text, groups[i], 16).ptr);
    ++i;
  }
  return out;
}

}  // namespace

std::string_view family_name(IpFamily family) { return family == IpFamily::IPv4 ? "IPv4" : "IPv6"; }

std::optional<IpAddress> IpAddress::from_wire(std::string_view bytes) {
  if (bytes.size() != v4_bytes && bytes.size() != v6_bytes) return std::nullopt;
  IpAddress out{.family = bytes.size() == v4_bytes ? IpFamily::IPv4 : IpFamily::IPv6};
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out.is_v6() && is_mapped(out.bytes) ? v4_of_mapped(out.bytes) : out;
}

std::string IpAddress::to_string() const {
  if (is_v6()) return format_v6(bytes);
  std::string out;
  for (std::size_t i = 0; i < v4_bytes; ++i) out += (i ? "." : "") + std::to_string(bytes[i]);
  return out;
}

bool IpAddress::is_loopback() const {
  if (family == IpFamily::IPv4) return bytes[0] == 127;
  return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t b) { return b == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

IpPrefix IpPrefix::masked() const {
  IpPrefix out = *this;
  for (std::size_t i = 0; i < out.address.bytes.size(); ++i) out.address.bytes[i] &= mask_of_byte(bits, i);
  return out;
}

bool IpPrefix::contains(const IpAddress& other) const {
  if (other.family != address.family) return false;
  for (std::size_t i = 0; i * 8 < bits; ++i)
    if (((other.bytes[i] ^ address.bytes[i]) & mask_of_byte(bits, i)) != 0) return false;
  return true;
}

std::optional<IpAddress> IpPrefix::nth(uint64_t n) const {
  const unsigned host_bits = address.width_bits() - bits;
  if (host_bits < 64 && n >> host_bits != 0) return std::nullopt;
  IpAddress out = masked().address;
  for (std::size_t i = address.width_bits() / 8; n != 0; n >>= 8) out.bytes[--i] |= static_cast<uint8_t>(n);  // the host bits are zero
  return out;
}

std::string IpPrefix::to_string() const { return address.to_string() + "/" + std::to_string(bits); }

std::optional<IpAddress> parse_address(std::string_view text, IpSyntax syntax) {
  IpAddress out;
  if (!looks_v6(text)) {
    if (!parse_octets(text, syntax, out.bytes.data())) return std::nullopt;
    return out;
  }
  const auto bytes = parse_v6(text, syntax);
  if (!bytes || (syntax == IpSyntax::Strict && is_mapped(*bytes))) return std::nullopt;
  if (is_mapped(*bytes)) return v4_of_mapped(*bytes);
  out.family = IpFamily::IPv6;
  out.bytes = *bytes;
  return out;
}

std::optional<IpPrefix> parse_unmasked_prefix(std::string_view text, IpSyntax syntax) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, slash);
  std::string_view digits = text.substr(slash + 1);
  const auto bits = take_decimal(digits, looks_v6(before) ? 128 : 32, syntax);
  if (!bits || !digits.empty()) return std::nullopt;
  auto address = parse_address(before, syntax);
  if (!address) return std::nullopt;
  if (!looks_v6(before) || address->is_v6()) return IpPrefix{*address, static_cast<uint8_t>(*bits)};
  // The length of a mapped range counts the 96 bits before it; a shorter one is a range of IPv6 that goes beyond what is mapped.
  if (*bits >= mapped_bits) return IpPrefix{*address, static_cast<uint8_t>(*bits - mapped_bits)};
  return IpPrefix{{IpFamily::IPv6, *parse_v6(before, syntax)}, static_cast<uint8_t>(*bits)};
}

std::optional<IpPrefix> parse_prefix(std::string_view text, IpSyntax syntax) {
  const auto prefix = parse_unmasked_prefix(text, syntax);
  if (!prefix) return std::nullopt;
  return prefix->masked();
}

std::vector<IpPrefix> outermost(std::vector<IpPrefix> prefixes) {
  std::ranges::sort(prefixes);  // an outer range comes before those in it
  std::vector<IpPrefix> out;
  for (const IpPrefix& prefix : prefixes)
    if (out.empty() || !(out.back().bits <= prefix.bits && out.back().contains(prefix.address))) out.push_back(prefix);
  return out;
}

}  // namespace pintle

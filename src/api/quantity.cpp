// Quantity: parsing and canonical form as upstream's resource.Quantity documents them, including its habit of keeping
// text that is already as good as canonical ("1.500", "+1") as it came.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "api/decimal.h"
#include "api/values.h"
#include "codec/json_text.h"

namespace pintle::api {
namespace {

enum class Format : uint8_t { DecimalSi, DecimalExponent, BinarySi };

constexpr int nano_exponent = -9;     // finer values are rounded up to this
constexpr int exa_exponent = 18;      // the largest decimal suffix
constexpr int small_digits_max = 18;  // so many decimal digits always fit an int64
constexpr int64_t exponent_limit = 1000000000;

struct Suffix {
  std::string_view text;
  int exponent;
};
constexpr Suffix decimal_suffixes[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}};
constexpr Suffix binary_suffixes[] = {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}};

struct Parts {
  bool negative = false;
  std::string_view whole, fraction;  // digits, leading zeros of `whole` dropped
  int exponent = 0;                  // of two for BinarySi, else of ten
  Format format = Format::DecimalSi;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool parse_suffix(std::string_view text, Parts& parts) {
  for (const Suffix& s : decimal_suffixes)
    if (text == s.text) {
      parts.exponent = s.exponent;
      return true;
    }
  for (const Suffix& s : binary_suffixes)
    if (text == s.text) {
      parts.exponent = s.exponent;
      parts.format = Format::BinarySi;
      return true;
    }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return false;
  parts.format = Format::DecimalExponent;
  text.remove_prefix(1);
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return false;
  int64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    value = std::min(value * 10 + (c - '0'), exponent_limit);
  }
  // Canonical text moves the zeros at the end of the digits into the exponent: it must read back.
  if (value + static_cast<int64_t>(parts.whole.size()) - 1 >= exponent_limit) return false;
  parts.exponent = static_cast<int>(negative ? -value : value);
  return true;
}

bool split(std::string_view text, Parts& parts) {
  if (text.empty()) return false;
  parts.negative = text.front() == '-';
  if (parts.negative || text.front() == '+') text.remove_prefix(1);
  parts.whole = take_digits(text);
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  return parse_suffix(text, parts);
}

// value * 10^scale, exactly.
struct Small {
  int64_t value = 0;
  int scale = 0;
};

bool to_small(const Parts& parts, Small& out) {
  if (parts.whole.size() + parts.fraction.size() > small_digits_max) return false;
  int64_t value = 0;
  for (char c : parts.whole) value = value * 10 + (c - '0');
  for (char c : parts.fraction) value = value * 10 + (c - '0');
  out.scale = -static_cast<int>(parts.fraction.size());
  if (parts.format == Format::BinarySi) {
    if (__builtin_mul_overflow(value, int64_t{1} << parts.exponent, &value)) return false;
  } else {
    out.scale += parts.exponent;
  }
  out.value = parts.negative ? -value : value;
  return true;
}

Decimal to_decimal(const Parts& parts) {
  std::string digits(parts.whole);
  digits += parts.fraction;
  const int64_t shift = parts.format == Format::BinarySi ? 0 : parts.exponent;
  Decimal d = Decimal::of(parts.negative, digits, shift - static_cast<int64_t>(parts.fraction.size()));
  if (parts.format == Format::BinarySi) d.multiply_power_of_two(parts.exponent);
  return d;
}

char digit_from_end(const Parts& parts, std::size_t i) {
  if (i < parts.fraction.size()) return parts.fraction[parts.fraction.size() - 1 - i];
  return parts.whole[parts.whole.size() - 1 - (i - parts.fraction.size())];
}

// Where upstream keeps the text as it came instead of computing the canonical form.
bool kept_as_is(const Parts& parts) {
  const std::size_t digits = std::max<std::size_t>(parts.whole.size(), 1) + parts.fraction.size();
  Small small;
  if (parts.format == Format::BinarySi) {
    if (!parts.fraction.empty() || static_cast<int>(digits) > 15 - static_cast<int>(static_cast<float>(parts.exponent) * 3 / 10) - 1) return false;
    if (!to_small(parts, small)) return false;
    return ((parts.negative ? -small.value : small.value) >> parts.exponent & 7) != 0;
  }
  const int scale = parts.exponent - static_cast<int>(parts.fraction.size());
  if (digits > small_digits_max || scale < nano_exponent || scale % 3 != 0 || parts.whole.empty()) return false;
  // No three zeros at the end, which a larger suffix could carry.
  std::size_t zeros = 0;
  while (zeros < digits && digit_from_end(parts, zeros) == '0') ++zeros;
  return zeros < 3;
}

std::string decimal_text(Decimal d, Format format) {
  d.strip();
  if (d.exponent > exa_exponent + decimal_digits_max) format = Format::DecimalExponent;  // no suffix reaches that far
  while (d.exponent % 3 != 0 || (format == Format::DecimalSi && d.exponent > exa_exponent)) {
    d.digits += '0';
    --d.exponent;
  }
  std::string out = d.negative ? "-" + d.digits : d.digits;
  if (format == Format::DecimalExponent) {
    if (d.exponent != 0) out += "e" + std::to_string(d.exponent);
    return out;
  }
  for (const Suffix& s : decimal_suffixes)
    if (s.exponent == d.exponent) out += s.text;
  return out;
}

std::string canonical(const Decimal& d, Format format) {
  if (d.zero()) return "0";
  if (format != Format::BinarySi) return decimal_text(d, format);
  const auto magnitude = d.magnitude();
  // Fractions and small values read better in decimal; so does what would not fit.
  if (!magnitude || *magnitude < 1024) return decimal_text(d, Format::DecimalSi);
  unsigned __int128 value = *magnitude;
  int times = 0;
  for (; times < 6 && value % 1024 == 0; ++times) value /= 1024;
  std::string out;
  for (; value != 0; value /= 10) out += static_cast<char>('0' + static_cast<int>(value % 10));
  if (d.negative) out += '-';
  std::reverse(out.begin(), out.end());
  return times == 0 ? out : out + std::string(binary_suffixes[times - 1].text);
}

// The common case of the above: a whole number of bytes.
std::string binary_text(int64_t value) {
  int times = 0;
  for (; times < 6 && value % 1024 == 0 && value != 0; ++times) value /= 1024;
  std::string out = std::to_string(value);
  if (times > 0) out += binary_suffixes[times - 1].text;
  return out;
}

// Rounding to nano and the cap of binary quantities at int64's maximum.
std::string limited(Decimal d, Format format) {
  d.round_up(nano_exponent);
  const Decimal cap = Decimal::of(std::numeric_limits<int64_t>::max());
  if (format == Format::BinarySi && d.compare_magnitude(cap) > 0) d = Decimal::of(d.negative, cap.digits, 0);
  if (d.compare_magnitude(Decimal::of(int64_t{1})) < 0 && format == Format::BinarySi) format = Format::DecimalSi;
  return canonical(d, format);
}

Parts parts_of(const std::string& text) {
  Parts parts;
  split(text, parts);  // our own text: it parses
  return parts;
}

// value * 10^(scale - to), rounded away from zero, saturated.
int64_t scaled(const std::string& text, int to) {
  const Parts parts = parts_of(text);
  Decimal d = to_decimal(parts);
  Small small;
  if (to_small(parts, small) && small.scale == to) return small.value;
  d.round_up(to);
  d.exponent -= to;
  if (d.zero()) return 0;
  constexpr auto max = static_cast<unsigned __int128>(std::numeric_limits<int64_t>::max());
  const auto magnitude = d.magnitude();
  if (!magnitude || *magnitude > max) return d.negative ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
  const auto value = static_cast<int64_t>(*magnitude);
  return d.negative ? -value : value;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  Parts parts;
  if (!split(text, parts)) return bad_request("quantity " + codec::go_quote(text) + " does not match ^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$");
  Quantity q;
  Small small;
  if (kept_as_is(parts))
    q.text_ = text;
  else if (parts.format == Format::BinarySi && parts.fraction.empty() && to_small(parts, small) && std::abs(small.value) >= 1024)
    q.text_ = binary_text(small.value);
  else
    q.text_ = limited(to_decimal(parts), parts.format);
  return q;
}

Quantity Quantity::from_int(int64_t value) {
  Quantity q;
  q.text_ = canonical(Decimal::of(value), Format::DecimalSi);
  return q;
}

Quantity Quantity::from_milli(int64_t milli_value) {
  Quantity q;
  q.text_ = canonical(Decimal::of(milli_value, -3), Format::DecimalSi);
  return q;
}

bool Quantity::is_zero() const { return sign() == 0; }

int Quantity::sign() const {
  if (text_ == "0") return 0;
  return to_decimal(parts_of(text_)).sign();
}

int64_t Quantity::value() const { return scaled(text_, 0); }
int64_t Quantity::milli_value() const { return scaled(text_, -3); }

std::strong_ordering Quantity::compare(const Quantity& other) const {
  if (text_ == other.text_) return std::strong_ordering::equal;
  const Parts a = parts_of(text_), b = parts_of(other.text_);
  Small x, y;
  if (to_small(a, x) && to_small(b, y) && x.scale == y.scale) return x.value <=> y.value;
  return to_decimal(a).compare(to_decimal(b));
}

struct QuantityAccess {
  static Quantity sum(const Quantity& a, const Quantity& b, bool negate) {
    const Parts x = parts_of(a.text_), y = parts_of(b.text_);
    const Decimal left = to_decimal(x);
    Decimal right = to_decimal(y);
    if (negate && !right.zero()) right.negative = !right.negative;
    Quantity q;
    q.text_ = canonical(add(left, right), left.zero() ? y.format : x.format);
    return q;
  }
};

Quantity Quantity::operator+(const Quantity& other) const { return QuantityAccess::sum(*this, other, false); }
Quantity Quantity::operator-(const Quantity& other) const { return QuantityAccess::sum(*this, other, true); }

}  // namespace pintle::api

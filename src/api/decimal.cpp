#include "api/decimal.h"

#include <algorithm>

namespace pintle::api {

Decimal Decimal::of(bool negative, std::string_view digits, int64_t exponent) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  Decimal d;
  d.digits = digits;
  if (!d.zero()) {
    d.negative = negative;
    d.exponent = exponent;
  }
  return d;
}

Decimal Decimal::of(int64_t value, int64_t exponent) {
  const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return of(value < 0, std::to_string(magnitude), exponent);
}

void Decimal::strip() {
  const std::size_t kept = digits.find_last_not_of('0') + 1;
  exponent += static_cast<int64_t>(digits.size() - kept);
  digits.resize(kept);
}

void Decimal::round_up(int64_t exponent_min) {
  if (zero() || exponent >= exponent_min) return;
  const auto drop = static_cast<uint64_t>(exponent_min - exponent);
  const std::size_t kept = drop >= digits.size() ? 0 : digits.size() - static_cast<std::size_t>(drop);
  const bool inexact = digits.find_first_not_of('0', kept) != std::string::npos;
  digits.resize(kept);
  exponent = exponent_min;
  if (!inexact) return;
  auto it = digits.rbegin();
  for (; it != digits.rend() && *it == '9'; ++it) *it = '0';
  if (it == digits.rend()) {
    digits.insert(0, 1, '1');
  } else {
    ++*it;
  }
}

void Decimal::multiply_power_of_two(int bits) {
  unsigned __int128 carry = 0;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it) {
    carry += static_cast<unsigned __int128>(*it - '0') << bits;
    *it = static_cast<char>('0' + static_cast<int>(carry % 10));
    carry /= 10;
  }
  std::string front;
  for (; carry != 0; carry /= 10) front += static_cast<char>('0' + static_cast<int>(carry % 10));
  std::reverse(front.begin(), front.end());
  digits.insert(0, front);
}

std::strong_ordering Decimal::compare_magnitude(const Decimal& other) const {
  if (zero() || other.zero()) return !zero() <=> !other.zero();
  const auto places = [](const Decimal& d) { return d.exponent + static_cast<int64_t>(d.digits.size()); };
  if (places(*this) != places(other)) return places(*this) <=> places(other);
  const std::size_t n = std::max(digits.size(), other.digits.size());
  for (std::size_t i = 0; i < n; ++i) {
    const char a = i < digits.size() ? digits[i] : '0', b = i < other.digits.size() ? other.digits[i] : '0';
    if (a != b) return a <=> b;
  }
  return std::strong_ordering::equal;
}

std::strong_ordering Decimal::compare(const Decimal& other) const {
  if (sign() != other.sign()) return sign() <=> other.sign();
  return sign() < 0 ? other.compare_magnitude(*this) : compare_magnitude(other);
}

std::optional<unsigned __int128> Decimal::magnitude() const {
  Decimal d = *this;
  d.strip();
  if (d.zero()) return 0;
  if (d.exponent < 0 || d.exponent > 38 || static_cast<int64_t>(d.digits.size()) + d.exponent > 38) return std::nullopt;
  unsigned __int128 value = 0;
  for (char c : d.digits) value = value * 10 + static_cast<unsigned>(c - '0');
  for (int64_t i = 0; i < d.exponent; ++i) value *= 10;
  return value;
}

namespace {

// |a| + |b|, or |a| - |b| where |a| >= |b|; both aligned to one exponent and width.
std::string combine(const std::string& a, const std::string& b, bool subtract) {
  std::string out(a.size(), '0');
  int carry = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    int digit = a[i] - '0' + (subtract ? -(b[i] - '0') : b[i] - '0') + carry;
    carry = digit < 0 ? -1 : digit / 10;
    digit = (digit + 10) % 10;
    out[i] = static_cast<char>('0' + digit);
  }
  if (carry > 0) out.insert(0, 1, '1');
  return out;
}

}  // namespace

Decimal add(const Decimal& a, const Decimal& b) {
  if (a.zero()) return b;
  if (b.zero()) return a;
  const Decimal& large = a.compare_magnitude(b) >= 0 ? a : b;
  const Decimal& small = &large == &a ? b : a;
  const int64_t exponent = std::min(a.exponent, b.exponent);
  if (large.exponent - exponent > decimal_digits_max || small.exponent - exponent > decimal_digits_max) return large;
  std::string x = large.digits, y = small.digits;
  x.append(static_cast<std::size_t>(large.exponent - exponent), '0');
  y.append(static_cast<std::size_t>(small.exponent - exponent), '0');
  y.insert(0, x.size() - y.size(), '0');
  return Decimal::of(large.negative, combine(x, y, a.negative != b.negative), exponent);
}

}  // namespace pintle::api

// Decimal: an exact decimal of any size, for the quantities that do not fit an int64.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pintle::api {

// (-1)^negative * digits * 10^exponent. `digits` has no leading zeros; empty: zero.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;

  static Decimal of(bool negative, std::string_view digits, int64_t exponent);
  static Decimal of(int64_t value, int64_t exponent = 0);

  bool zero() const { return digits.empty(); }
  int sign() const { return zero() ? 0 : negative ? -1 : 1; }
  // Moves trailing zeros into the exponent.
  void strip();
  // Rounds away from zero so that the exponent is at least `exponent_min`.
  void round_up(int64_t exponent_min);
  void multiply_power_of_two(int bits);  // 0..60
  std::strong_ordering compare_magnitude(const Decimal& other) const;
  std::strong_ordering compare(const Decimal& other) const;
  // The integer, if the value is one and fits.
  std::optional<unsigned __int128> magnitude() const;
};

// The operands of a sum are aligned; when that takes more digits than this, the smaller one is dropped.
constexpr int64_t decimal_digits_max = 10000;
Decimal add(const Decimal& a, const Decimal& b);

}  // namespace pintle::api

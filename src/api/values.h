// The wire-level specials: types whose JSON and protobuf forms are not those of a plain struct.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::api {

// A fixed-point decimal with a suffix ("100m", "64Mi", "1e3"). The text is kept as canonical form; two quantities are
// equal when their values are ("1" and "1000m"). Source: apimachinery's resource.Quantity.
class Quantity {
 public:
  Quantity() = default;
  // Accepts upstream's grammar: <sign>digits[.digits](suffix | exponent). Canonicalised as upstream's String().
  static Result<Quantity> parse(std::string_view text);
  static Quantity from_int(int64_t value);  // decimal SI
  static Quantity from_milli(int64_t milli_value);

  const std::string& text() const { return text_; }
  bool is_zero() const;
  int sign() const;  // -1, 0, 1
  // Rounded away from zero; saturates at int64's limits.
  int64_t value() const;
  int64_t milli_value() const;
  std::strong_ordering compare(const Quantity& other) const;
  bool operator==(const Quantity& other) const { return compare(other) == 0; }
  // Exact; the format of the left side is kept (of the right, if the left is zero).
  Quantity operator+(const Quantity& other) const;
  Quantity operator-(const Quantity& other) const;

 private:
  friend struct QuantityAccess;
  std::string text_ = "0";
};

struct IntOrString {
  bool is_string = false;
  int32_t int_value = 0;
  std::string string_value;
  bool operator==(const IntOrString&) const = default;
};

// Seconds and nanoseconds of UTC since 1970; zero() is Go's zero time (null in JSON).
struct Time {
  int64_t seconds = INT64_MIN;
  int32_t nanos = 0;
  bool zero() const { return seconds == INT64_MIN; }
  bool operator==(const Time&) const = default;
};
struct MicroTime : Time {
  bool operator==(const MicroTime&) const = default;
};

struct Duration {
  int64_t nanos = 0;
  bool operator==(const Duration&) const = default;
};

// Any object, as the JSON that came; empty: null. Arriving as protobuf, `raw` holds what the envelope carried and
// content_type says which form it is in ("" or application/json: JSON).
struct RawExtension {
  std::string raw;
  std::string content_type;
  bool operator==(const RawExtension&) const = default;
};
struct FieldsV1 {
  std::string raw;  // compact JSON
  bool operator==(const FieldsV1&) const = default;
};
struct Json {
  std::string raw;  // compact JSON; empty: null
  bool operator==(const Json&) const = default;
};

// RFC 3339. Time writes seconds ("2026-01-02T03:04:05Z"), MicroTime six digits; both read any fraction and zone.
// Go's zero time (0001-01-01T00:00:00Z) becomes zero().
Time time_from_unix(int64_t seconds, int32_t nanos);
std::string format_time(const Time& time);
std::string format_micro_time(const MicroTime& time);
void append_time(const Time& time, std::string& out);
void append_micro_time(const MicroTime& time, std::string& out);
Result<Time> parse_time(std::string_view text);
Result<MicroTime> parse_micro_time(std::string_view text);
// Go's time.Duration text.
std::string format_duration(Duration duration);
Result<Duration> parse_duration(std::string_view text);

}  // namespace pintle::api

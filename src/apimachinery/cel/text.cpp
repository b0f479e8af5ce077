#include "apimachinery/cel/text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "apimachinery/cel/time_value.h"

namespace pintle::apimachinery::cel {

std::string double_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Inf" : "+Inf";
  std::array<char, 400> buffer{};
  const auto write = [&](std::chars_format format) {
    const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, format);
    return std::string(buffer.data(), end);
  };
  std::string text = write(std::chars_format::scientific);
  const int exponent = std::atoi(text.c_str() + text.find('e') + 1);
  constexpr int least = -4, most = 6;
  return exponent < least || exponent >= most ? text : write(std::chars_format::fixed);
}

std::string scalar_text(const Value& v) {
  switch (v.kind()) {
    case Value::Kind::Null: return "null";
    case Value::Kind::Bool: return v.as_bool() ? "true" : "false";
    case Value::Kind::Int: return std::to_string(v.as_int());
    case Value::Kind::Uint: return std::to_string(v.as_uint());
    case Value::Kind::Double: return double_text(v.as_double());
    case Value::Kind::String:
    case Value::Kind::Bytes: return std::string(v.text());
    case Value::Kind::Timestamp: return timestamp_text(v.as_timestamp());
    case Value::Kind::Duration: return duration_text(v.as_duration());
    default: return {};
  }
}

}  // namespace pintle::apimachinery::cel

#include "apimachinery/schema/print.h"

#include <charconv>
#include <cmath>

#include "codec/json.h"

namespace pintle::apimachinery::schema {

std::string print_double(double value) {
  constexpr int exponent_min = -4, exponent_end = 6;
  char buffer[64];
  const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(scientific.ptr - buffer));
  const std::size_t e = text.find('e');
  if (e == std::string_view::npos) return std::string(text);  // inf, nan
  int exponent = 0;
  const std::string_view digits = text.substr(e + 1);
  std::from_chars(digits.data() + (digits[0] == '+' ? 1 : 0), digits.data() + digits.size(), exponent);
  if (exponent < exponent_min || exponent >= exponent_end) return std::string(text);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return {buffer, static_cast<std::size_t>(fixed.ptr - buffer)};
}

std::string print_value(const codec::Value& value) {
  switch (value.kind()) {
    case codec::Value::Kind::Null: return "<no value>";
    case codec::Value::Kind::Bool: return value.as_bool() ? "true" : "false";
    case codec::Value::Kind::Int: return std::to_string(value.as_int());
    case codec::Value::Kind::Double: return print_double(value.as_double());
    case codec::Value::Kind::String: return value.as_string();
    default: return codec::to_json(value);
  }
}

BadValue bad_value(const codec::Value& value) {
  if (value.is_string()) return BadValue(value.as_string());
  if (value.is_null()) return BadValue(nullptr);
  return BadValue::raw(print_value(value));
}

}  // namespace pintle::apimachinery::schema

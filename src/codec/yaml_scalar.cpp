#include "codec/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

namespace pintle::codec {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<YamlScalar> resolve_word(std::string_view text) {
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) return YamlScalar{YamlTag::Bool, Value(true)};
  if (one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) return YamlScalar{YamlTag::Bool, Value(false)};
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return YamlScalar{YamlTag::Null, Value()};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return YamlScalar{YamlTag::Float, Value(std::numeric_limits<double>::quiet_NaN()), false};
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return YamlScalar{YamlTag::Float, Value(infinity), false};
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return YamlScalar{YamlTag::Float, Value(-infinity), false};
  return std::nullopt;
}

// As time.Parse with one of go-yaml's layouts would take it: only a few forms count.
bool is_timestamp(std::string_view text) {
  std::size_t i = 0;
  const auto number = [&](std::size_t least, std::size_t most, int low, int high) {
    int value = 0;
    std::size_t n = 0;
    for (; n < most && i < text.size() && is_digit(text[i]); ++n, ++i) value = value * 10 + (text[i] - '0');
    return n >= least && value >= low && value <= high;
  };
  const auto literal = [&](char c) { return i < text.size() && text[i] == c && ++i != 0; };
  if (!number(4, 4, 0, 9999) || !literal('-') || !number(1, 2, 1, 12) || !literal('-') || !number(1, 2, 1, 31)) return false;
  if (i == text.size()) return true;
  const char separator = text[i++];
  if (separator != 'T' && separator != 't' && separator != ' ') return false;
  if (!number(1, 2, 0, 23) || !literal(':') || !number(1, 2, 0, 59) || !literal(':') || !number(1, 2, 0, 59)) return false;
  if (literal('.')) {
    if (i == text.size() || !is_digit(text[i])) return false;
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  if (separator == ' ') return i == text.size();
  if (literal('Z')) return i == text.size();
  return (literal('+') || literal('-')) && number(2, 2, 0, 24) && literal(':') && number(2, 2, 0, 60) && i == text.size();
}

// strconv.ParseInt(text, 0, 64), falling back to ParseUint.
std::optional<Value> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  uint64_t magnitude = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, ec] = std::from_chars(text.data(), end, magnitude, base);
  if (ec != std::errc() || stop != end || text.empty()) return std::nullopt;
  constexpr uint64_t limit = uint64_t{1} << 63;
  if (negative) {
    if (magnitude > limit) return std::nullopt;
    return Value(static_cast<int64_t>(0 - magnitude));
  }
  if (magnitude >= limit) return Value(static_cast<double>(magnitude));
  return Value(static_cast<int64_t>(magnitude));
}

// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool is_yaml_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = digits();
  }
  if (whole + fraction == 0) return false;
  if (i < text.size() && (text[i] | 0x20) == 'e') {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

std::optional<double> parse_float(std::string_view text) {
  if (!is_yaml_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec == std::errc::result_out_of_range) {
    const double wide = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isfinite(wide)) return wide;  // too small: zero
  }
  if (ec != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class Float>
std::string format_g(Float value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string_view all(text, static_cast<std::size_t>(end - text));
  const std::size_t e = all.find('e');
  const int exponent = e == all.npos ? 0 : std::atoi(std::string(all.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 6) return std::string(all);  // Go's choice for the shortest form
  char fixed[64];
  return {fixed, std::to_chars(fixed, fixed + sizeof fixed, value, std::chars_format::fixed).ptr};
}

}  // namespace

YamlScalar resolve_yaml_scalar(std::string_view text) {
  YamlScalar scalar{YamlTag::String, Value(text)};
  if (text.size() <= 5)
    if (auto word = resolve_word(text)) return *word;
  const char first = text.front();
  if (first == '.') {
    if (const auto number = parse_float(text)) return {YamlTag::Float, Value(*number)};
    return scalar;
  }
  if (!is_digit(first) && first != '+' && first != '-') return scalar;
  if (is_timestamp(text)) {
    scalar.tag = YamlTag::Timestamp;
    return scalar;
  }
  std::string plain(text);
  std::erase(plain, '_');
  if (auto integer = parse_integer(plain)) return {YamlTag::Int, std::move(*integer)};
  if (const auto number = parse_float(plain)) return {YamlTag::Float, Value(*number)};
  return scalar;
}

// ^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
bool is_base60_float(std::string_view text) {
  std::size_t i = 0;
  const auto digit = [&](std::size_t k) { return k < text.size() && is_digit(text[k]); };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (!digit(i)) return false;
  while (digit(i) || (i < text.size() && text[i] == '_')) ++i;
  if (i == text.size() || text[i] != ':') return false;
  while (i < text.size() && text[i] == ':') {
    ++i;
    if (!digit(i)) return false;
    i += text[i] <= '5' && digit(i + 1) ? 2 : 1;
  }
  if (i < text.size() && text[i] == '.')
    for (++i; digit(i) || (i < text.size() && text[i] == '_');) ++i;
  return i == text.size();
}

std::string format_go_g(double value) { return format_g(value); }
std::string format_go_g(float value) { return format_g(value); }

}  // namespace pintle::codec

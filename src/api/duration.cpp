// Go's text form of a duration: "1h15m30.918s" (https://pkg.go.dev/time#ParseDuration).
#include <array>

#include "api/values.h"
#include "codec/json_text.h"

namespace pintle::api {
namespace {

struct DurationUnit {
  std::string_view name;
  uint64_t nanos;
};
constexpr std::array<DurationUnit, 8> units = {{{"ns", 1},
                                                {"us", 1000},
                                                {"\u00b5s", 1000},  // micro sign
                                                {"\u03bcs", 1000},  // Greek mu
                                                {"ms", 1000000},
                                                {"s", 1000000000},
                                                {"m", 60000000000},
                                                {"h", 3600000000000}}};
constexpr uint64_t nanos_limit = 1ull << 63;  // the magnitude of the least int64

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One "1.5h" at the front of `text`, added to `total`.
bool take_term(std::string_view& text, uint64_t& total) {
  uint64_t whole = 0, fraction = 0;
  double fraction_scale = 1;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    if (whole > nanos_limit / 10) return false;
    whole = whole * 10 + static_cast<uint64_t>(text.front() - '0');
    if (whole > nanos_limit) return false;
  }
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
      if (fraction >= nanos_limit / 10) continue;  // past any precision that counts
      fraction = fraction * 10 + static_cast<uint64_t>(text.front() - '0');
      fraction_scale *= 10;
    }
  }
  if (digits == 0) return false;
  std::size_t n = 0;
  while (n < text.size() && text[n] != '.' && !is_digit(text[n])) ++n;
  for (const DurationUnit& unit : units) {
    if (text.substr(0, n) != unit.name) continue;
    if (whole > nanos_limit / unit.nanos) return false;
    whole *= unit.nanos;
    if (fraction > 0) whole += static_cast<uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit.nanos) / fraction_scale));
    total += whole;
    text.remove_prefix(n);
    return whole <= nanos_limit && total <= nanos_limit;
  }
  return false;
}

// `value` with `digits` decimals, trailing zeros dropped.
void append_fixed(uint64_t value, int digits, std::string& out) {
  uint64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  out += std::to_string(value / scale);
  std::string fraction = std::to_string(value % scale);
  fraction.insert(0, static_cast<std::size_t>(digits) - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) out += '.' + fraction;
}

}  // namespace

std::string format_duration(Duration duration) {
  if (duration.nanos == 0) return "0s";
  std::string out;
  uint64_t nanos = static_cast<uint64_t>(duration.nanos);
  if (duration.nanos < 0) {
    out += '-';
    nanos = 0 - nanos;
  }
  if (nanos < 1000) return out + std::to_string(nanos) + "ns";
  if (nanos < 1000000) {
    append_fixed(nanos, 3, out);
    return out + "\u00b5s";
  }
  if (nanos < 1000000000) {
    append_fixed(nanos, 6, out);
    return out + "ms";
  }
  const uint64_t minutes = nanos / 60000000000;
  if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  append_fixed(nanos % 60000000000, 9, out);
  return out + "s";
}

Result<Duration> parse_duration(std::string_view text) {
  const auto wrong = [&] { return bad_request("not a duration: " + codec::go_quote(text)); };
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative || (!rest.empty() && rest.front() == '+')) rest.remove_prefix(1);
  if (rest == "0") return Duration{};
  if (rest.empty()) return wrong();
  uint64_t total = 0;
  while (!rest.empty())
    if (!take_term(rest, total)) return wrong();
  if (!negative && total == nanos_limit) return wrong();
  return Duration{static_cast<int64_t>(negative ? 0 - total : total)};
}

}  // namespace pintle::api

#include "apimachinery/discovery/version_order.h"

#include <cstdint>
#include <optional>
#include <tuple>

#include "base/parse_number.h"

namespace pintle::apimachinery {
namespace {

struct Version {
  int maturity = 0;  // 2: released, 1: beta, 0: alpha
  uint64_t major = 0, minor = 0;
};

// Digits at the front, without a leading zero; nullopt if there are none.
std::optional<uint64_t> take_number(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  if (n == 0 || text[0] == '0') return std::nullopt;
  const auto number = parse_number<uint64_t>(text.substr(0, n));
  text.remove_prefix(n);
  return number;
}

std::optional<Version> parse(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  text.remove_prefix(1);
  Version out;
  const auto major = take_number(text);
  if (!major) return std::nullopt;
  out.major = *major;
  out.maturity = text.empty() ? 2 : text.starts_with("beta") ? 1 : 0;
  if (text.empty()) return out;
  const std::string_view word = out.maturity == 1 ? "beta" : "alpha";
  if (!text.starts_with(word)) return std::nullopt;
  text.remove_prefix(word.size());
  const auto minor = take_number(text);
  if (!minor || !text.empty()) return std::nullopt;
  out.minor = *minor;
  return out;
}

}  // namespace

bool version_precedes(std::string_view a, std::string_view b) {
  const auto left = parse(a), right = parse(b);
  if (!left || !right) return left || right ? left.has_value() : a < b;
  return std::tie(left->maturity, left->major, left->minor) > std::tie(right->maturity, right->major, right->minor);
}

}  // namespace pintle::apimachinery

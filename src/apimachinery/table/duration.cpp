#include "apimachinery/table/duration.h"

#include <cstdint>

namespace pintle::apimachinery {
namespace {

constexpr int64_t minute = 60, hour = 60 * minute, day = 24 * hour, year = 365 * day;

// "5d3h"; the smaller unit is left out when it is zero.
std::string two_units(int64_t large, char large_unit, int64_t small, char small_unit) {
  std::string out = std::to_string(large) + large_unit;
  if (small != 0) out += std::to_string(small) + small_unit;
  return out;
}

std::string one_unit(int64_t count, char unit) { return std::to_string(count) + unit; }

}  // namespace

std::string human_duration(std::chrono::nanoseconds duration) {
  const int64_t s = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 2 * minute) return one_unit(s, 's');
  if (s < 10 * minute) return two_units(s / minute, 'm', s % minute, 's');
  if (s < 3 * hour) return one_unit(s / minute, 'm');
  if (s < 8 * hour) return two_units(s / hour, 'h', s % hour / minute, 'm');
  if (s < 2 * day) return one_unit(s / hour, 'h');
  if (s < 8 * day) return two_units(s / day, 'd', s % day / hour, 'h');
  if (s < 2 * year) return one_unit(s / day, 'd');
  if (s < 8 * year) return two_units(s / year, 'y', s % year / day, 'd');
  return one_unit(s / year, 'y');
}

std::string short_human_duration(std::chrono::nanoseconds duration) {
  const int64_t s = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < minute) return one_unit(s, 's');
  if (s < hour) return one_unit(s / minute, 'm');
  if (s < day) return one_unit(s / hour, 'h');
  if (s < year) return one_unit(s / day, 'd');
  return one_unit(s / year, 'y');
}

}  // namespace pintle::apimachinery

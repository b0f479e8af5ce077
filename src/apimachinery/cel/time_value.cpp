#include "apimachinery/cel/time_value.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>

#include "api/values.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr int64_t second_nanos = 1'000'000'000, day_seconds = 86400;

bool in_range(int64_t seconds) { return seconds >= timestamp_seconds_min && seconds <= timestamp_seconds_max; }

}  // namespace

std::optional<Timestamp> time_plus(Timestamp time, int64_t nanos) {
  int64_t seconds = nanos / second_nanos;
  int64_t rest = nanos % second_nanos + time.nanos;
  if (rest < 0) {
    rest += second_nanos;
    --seconds;
  } else if (rest >= second_nanos) {
    rest -= second_nanos;
    ++seconds;
  }
  const int64_t sum = time.seconds + seconds;  // both far from the limits
  if (!in_range(sum)) return std::nullopt;
  return Timestamp{sum, static_cast<uint32_t>(rest), time.zone_minutes};
}

std::optional<int64_t> time_between(Timestamp later, Timestamp earlier) {
  int64_t nanos = 0;
  if (__builtin_mul_overflow(later.seconds - earlier.seconds, second_nanos, &nanos)) return std::nullopt;
  if (__builtin_add_overflow(nanos, static_cast<int64_t>(later.nanos) - static_cast<int64_t>(earlier.nanos), &nanos)) return std::nullopt;
  return nanos;
}

namespace {

// Digits of a fixed number at a place; -1: others stand there.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  if (at + count > text.size()) return -1;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  std::size_t at = 19;
  int64_t nanos = 0;
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    int64_t unit = second_nanos / 10;
    const std::size_t from = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) nanos += (text[at] - '0') * unit;
    if (at == from) return std::nullopt;
  }
  int64_t offset = 0;
  if (text.substr(at) != "Z") {
    const int hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
    if (text.size() != at + 6 || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':') return std::nullopt;
    if (hours < 0 || hours > 24 || minutes < 0 || minutes > 60) return std::nullopt;
    offset = (text[at] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = days * day_seconds + hour * 3600 + minute * 60 + second - offset;
  if (!in_range(seconds)) return std::nullopt;
  return Timestamp{seconds, static_cast<uint32_t>(nanos), static_cast<int16_t>(offset / 60)};
}

std::string timestamp_text(Timestamp time) {
  const CalendarTime c = calendar_time(time, time.zone_minutes * 60);
  std::array<char, 48> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(c.year), c.month, c.day, c.hour,
                                 c.minute, c.second);
  std::string text(buffer.data(), static_cast<std::size_t>(size));
  if (time.nanos != 0) {
    std::string fraction = std::to_string(time.nanos);
    fraction.insert(0, 9 - fraction.size(), '0');
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  if (time.zone_minutes == 0) return text + "Z";
  const int offset = std::abs(time.zone_minutes);
  std::array<char, 16> zone{};
  std::snprintf(zone.data(), zone.size(), "%c%02d:%02d", time.zone_minutes < 0 ? '-' : '+', offset / 60 % 100, offset % 60);
  return text + zone.data();
}

std::optional<int64_t> parse_duration_text(std::string_view text) {
  const auto parsed = api::parse_duration(text);
  if (!parsed) return std::nullopt;
  return parsed->nanos;
}

std::string duration_text(int64_t nanos) {
  // Go divides into whole seconds and the rest before it makes a floating-point number of them.
  const double seconds = static_cast<double>(nanos / second_nanos) + static_cast<double>(nanos % second_nanos) / 1e9;
  std::array<char, 64> buffer{};
  const auto [end, failure] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), seconds, std::chars_format::fixed);
  return std::string(buffer.data(), end) + "s";
}

CalendarTime calendar_time(Timestamp time, int64_t offset_seconds) {
  const int64_t local = time.seconds + offset_seconds;
  int64_t days = local / day_seconds, second_of_day = local % day_seconds;
  if (second_of_day < 0) {
    second_of_day += day_seconds;
    --days;
  }
  const std::chrono::sys_days day{std::chrono::days(days)};
  const std::chrono::year_month_day date{day};
  CalendarTime made;
  made.year = static_cast<int>(date.year());
  made.month = static_cast<int>(static_cast<unsigned>(date.month()));
  made.day = static_cast<int>(static_cast<unsigned>(date.day()));
  made.day_of_year = static_cast<int>((day - std::chrono::sys_days(date.year() / std::chrono::January / 1)).count());
  made.day_of_week = static_cast<int>(std::chrono::weekday(day).c_encoding());
  made.hour = static_cast<int>(second_of_day / 3600);
  made.minute = static_cast<int>(second_of_day / 60 % 60);
  made.second = static_cast<int>(second_of_day % 60);
  made.millisecond = static_cast<int>(time.nanos / 1'000'000);
  return made;
}

}  // namespace pintle::apimachinery::cel

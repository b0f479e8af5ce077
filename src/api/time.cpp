// Time and MicroTime: RFC 3339 (https://www.rfc-editor.org/rfc/rfc3339), always written in UTC.
#include <array>

#include "api/values.h"
#include "codec/json_text.h"

namespace pintle::api {
namespace {

constexpr int64_t day_seconds = 86400;
constexpr int64_t go_zero_seconds = -62135596800;  // 0001-01-01T00:00:00Z

struct Civil {
  int64_t year = 0;
  unsigned month = 1, day = 1;
};

// Days since 1970-01-01 and back, in the proleptic Gregorian calendar (Howard Hinnant's algorithms).
int64_t days_from_civil(Civil c) {
  const int64_t y = c.year - (c.month <= 2);
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<int64_t>(doe) - 719468;
}

Civil civil_from_days(int64_t z) {
  z += 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<unsigned>(z - era * 146097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  Civil c;
  c.day = doy - (153 * mp + 2) / 5 + 1;
  c.month = mp < 10 ? mp + 3 : mp - 9;
  c.year = static_cast<int64_t>(yoe) + era * 400 + (c.month <= 2);
  return c;
}

unsigned days_in_month(int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

void append_digits(int64_t value, int width, std::string& out) {
  std::string digits = std::to_string(value < 0 ? -value : value);
  if (value < 0) out += '-';
  if (static_cast<int>(digits.size()) < width) out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

// "2006-01-02T15:04:05"
void append_date_time(int64_t seconds, std::string& out) {
  int64_t days = seconds / day_seconds, rest = seconds % day_seconds;
  if (rest < 0) {
    rest += day_seconds;
    --days;
  }
  const Civil c = civil_from_days(days);
  if (c.year >= 0 && c.year <= 9999) {
    const auto y = static_cast<int>(c.year);
    const auto h = static_cast<int>(rest / 3600), m = static_cast<int>(rest / 60 % 60), s = static_cast<int>(rest % 60);
    const auto digit = [](unsigned v) { return static_cast<char>('0' + v % 10); };
    const auto two = [&](unsigned v, char* p) {
      p[0] = digit(v / 10);
      p[1] = digit(v);
    };
    char text[] = "0000-00-00T00:00:00";
    two(static_cast<unsigned>(y / 100), text);
    two(static_cast<unsigned>(y % 100), text + 2);
    two(c.month, text + 5);
    two(c.day, text + 8);
    two(static_cast<unsigned>(h), text + 11);
    two(static_cast<unsigned>(m), text + 14);
    two(static_cast<unsigned>(s), text + 17);
    out.append(text, 19);
    return;
  }
  append_digits(c.year, 4, out);
  out += '-';
  append_digits(c.month, 2, out);
  out += '-';
  append_digits(c.day, 2, out);
  out += 'T';
  append_digits(rest / 3600, 2, out);
  out += ':';
  append_digits(rest / 60 % 60, 2, out);
  out += ':';
  append_digits(rest % 60, 2, out);
}

// A reader of fixed-width decimal fields.
struct Scanner {
  std::string_view text;

  bool number(int width, int64_t& value) {
    if (text.size() < static_cast<std::size_t>(width)) return false;
    value = 0;
    for (int i = 0; i < width; ++i) {
      const char c = text[static_cast<std::size_t>(i)];
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    text.remove_prefix(static_cast<std::size_t>(width));
    return true;
  }
  bool literal(char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
  }
  // ".123456789": digits past the ninth are dropped.
  bool fraction(int32_t& nanos) {
    nanos = 0;
    if (!literal('.') && !literal(',')) return true;
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
      if (digits < 9) nanos = nanos * 10 + (text.front() - '0');
    for (int i = digits; i < 9; ++i) nanos *= 10;
    return digits > 0;
  }
  // "Z" or "+01:00"
  bool zone(int64_t& offset_seconds) {
    offset_seconds = 0;
    if (literal('Z')) return true;
    const bool west = literal('-');
    if (!west && !literal('+')) return false;
    int64_t hours = 0, minutes = 0;
    if (!number(2, hours) || !literal(':') || !number(2, minutes) || hours > 24 || minutes > 60) return false;
    offset_seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
  }
};

bool parse(std::string_view text, Time& out) {
  Scanner in{text};
  int64_t year, month, day, hour, minute, second, offset;
  if (!in.number(4, year) || !in.literal('-') || !in.number(2, month) || !in.literal('-') || !in.number(2, day) || !in.literal('T') ||
      !in.number(2, hour) || !in.literal(':') || !in.number(2, minute) || !in.literal(':') || !in.number(2, second) || !in.fraction(out.nanos) ||
      !in.zone(offset) || !in.text.empty())
    return false;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<unsigned>(month)) || hour > 23 || minute > 59 || second > 59)
    return false;
  const int64_t days = days_from_civil({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  out.seconds = days * day_seconds + hour * 3600 + minute * 60 + second - offset;
  if (out.seconds == go_zero_seconds && out.nanos == 0) out = Time();
  return true;
}

}  // namespace

Time time_from_unix(int64_t seconds, int32_t nanos) { return seconds == go_zero_seconds && nanos == 0 ? Time() : Time{seconds, nanos}; }

void append_time(const Time& time, std::string& out) {
  append_date_time(time.zero() ? go_zero_seconds : time.seconds, out);
  out += 'Z';
}

void append_micro_time(const MicroTime& time, std::string& out) {
  append_date_time(time.zero() ? go_zero_seconds : time.seconds, out);
  out += '.';
  append_digits(time.nanos / 1000, 6, out);
  out += 'Z';
}

std::string format_time(const Time& time) {
  std::string out;
  append_time(time, out);
  return out;
}

std::string format_micro_time(const MicroTime& time) {
  std::string out;
  append_micro_time(time, out);
  return out;
}

Result<Time> parse_time(std::string_view text) {
  Time time;
  if (!parse(text, time)) return bad_request("not an RFC 3339 time: " + codec::go_quote(text));
  return time;
}

Result<MicroTime> parse_micro_time(std::string_view text) {
  MicroTime time;
  if (!parse(text, time)) return bad_request("not an RFC 3339 time: " + codec::go_quote(text));
  return time;
}

}  // namespace pintle::api

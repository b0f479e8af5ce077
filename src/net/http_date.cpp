#include "net/http_date.h"

#include <array>
#include <cstdio>

#include "base/parse_number.h"

namespace pintle::net {

namespace {
constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> number(std::string_view text) { return text.starts_with('-') ? std::nullopt : parse_number<int>(text); }
}  // namespace

std::string format_http_date(rt::WallTime time) {
  using namespace std::chrono;
  const auto second = floor<seconds>(time);
  const auto day = floor<std::chrono::days>(second);
  const year_month_day date(day);
  const hh_mm_ss clock(second - day);
  char out[40];
  std::snprintf(out, sizeof out, "%s, %02u %s %04d %02d:%02d:%02d GMT", days[weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return out;
}

std::optional<rt::WallTime> parse_http_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',' || text[19] != ':' || text[22] != ':') return std::nullopt;
  unsigned month = 0;
  while (month < 12 && text.substr(8, 3) != months[month]) ++month;
  const auto d = number(text.substr(5, 2)), y = number(text.substr(12, 4));
  const auto h = number(text.substr(17, 2)), m = number(text.substr(20, 2)), s = number(text.substr(23, 2));
  if (month == 12 || !d || !y || !h || !m || !s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  const year_month_day date(year(*y), std::chrono::month(month + 1), std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok()) return std::nullopt;
  return rt::WallTime(sys_days(date).time_since_epoch() + hours(*h) + minutes(*m) + seconds(*s));
}

const std::string& http_date_of_now(rt::Clock& clock) {
  thread_local std::chrono::seconds second{-1};
  thread_local std::string text;
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.wall_now()).time_since_epoch();
  if (now != second) {
    text = format_http_date(clock.wall_now());
    second = now;
  }
  return text;
}

}  // namespace pintle::net

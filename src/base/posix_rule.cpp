#include "base/posix_rule.h"

#include <algorithm>
#include <chrono>

namespace pintle {

namespace {

constexpr int64_t hour = 3600;
constexpr std::string_view usual_changes = ",M3.2.0,M11.1.0";  // of a summer time without dates

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int64_t seconds_of(std::chrono::sys_days day) { return std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch()).count(); }

}  // namespace

// Takes what it reads off the front of the text; false: it is something else.
class RuleParser {
 public:
  explicit RuleParser(std::string_view text) : text_(text) {}

  std::optional<PosixRule> rule() {
    PosixRule out;
    int64_t west = 0;
    if (!name() || !time(24, west)) return std::nullopt;
    out.standard_ = out.summer_ = -west;
    if (text_.empty()) return out;
    if (!name()) return std::nullopt;
    out.summer_ = out.standard_ + hour;
    if (!text_.empty() && text_[0] != ',') {
      if (!time(24, west)) return std::nullopt;
      out.summer_ = -west;
    }
    if (text_.empty()) text_ = usual_changes;
    PosixRule::Date start, end;
    if (!date(start) || !date(end) || !text_.empty()) return std::nullopt;
    out.start_ = start;
    out.end_ = end;
    return out;
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  // "CET", "<+0330>": three characters or more.
  bool name() {
    const bool quoted = take('<');
    std::size_t size = 0;
    const auto is_part = [quoted](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (quoted && (is_digit(c) || c == '+' || c == '-'));
    };
    while (size < text_.size() && is_part(text_[size])) ++size;
    text_.remove_prefix(size);
    return size >= 3 && (!quoted || take('>'));
  }
  bool number(int min, int max, int& out) {
    std::size_t size = 0;
    for (out = 0; size < text_.size() && is_digit(text_[size]) && size < 4; ++size) out = out * 10 + (text_[size] - '0');
    text_.remove_prefix(size);
    return size > 0 && out >= min && out <= max;
  }
  // "[+-]h[:m[:s]]"
  bool time(int hours_max, int64_t& out) {
    const bool negative = take('-');
    if (!negative) take('+');
    int hours = 0, minutes = 0, seconds = 0;
    if (!number(0, hours_max, hours)) return false;
    if (take(':') && (!number(0, 59, minutes) || (take(':') && !number(0, 59, seconds)))) return false;
    out = hours * hour + minutes * 60 + seconds;
    if (negative) out = -out;
    return true;
  }
  bool date(PosixRule::Date& out) {
    using Kind = PosixRule::Date::Kind;
    if (!take(',')) return false;
    if (take('M')) {
      if (!number(1, 12, out.month) || !take('.') || !number(1, 5, out.week) || !take('.') || !number(0, 6, out.day)) return false;
    } else if (take('J')) {
      out.kind = Kind::Julian;
      if (!number(1, 365, out.day)) return false;
    } else {
      out.kind = Kind::Day;
      if (!number(0, 365, out.day)) return false;
    }
    return !take('/') || time(167, out.second);
  }

  std::string_view text_;
};

std::optional<PosixRule> PosixRule::parse(std::string_view text) { return RuleParser(text).rule(); }

int64_t PosixRule::local_change(const Date& date, int number) {
  using namespace std::chrono;
  const std::chrono::year year{number};
  if (date.kind == Date::Kind::Month) {
    const auto month = year / std::chrono::month(static_cast<unsigned>(date.month));
    const weekday day(static_cast<unsigned>(date.day));
    const sys_days at = date.week == 5 ? sys_days(month / day[last]) : sys_days(month / day[static_cast<unsigned>(date.week)]);
    return seconds_of(at) + date.second;
  }
  int days = date.day;
  if (date.kind == Date::Kind::Julian && !(year.is_leap() && date.day >= 60)) --days;  // from 1, and 29 February has no number
  return seconds_of(sys_days(year / January / 1) + std::chrono::days(days)) + date.second;
}

int64_t PosixRule::offset_at(int64_t unix_seconds) const {
  if (!start_) return standard_;
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(unix_seconds + standard_)));
  const int year = static_cast<int>(std::chrono::year_month_day(today).year());
  // The last change that has come. One of summer's end may fall together with the next start: it is summer all year.
  int64_t last = INT64_MIN, offset = standard_;
  for (const int y : {year - 1, year, year + 1}) {
    const int64_t start = local_change(*start_, y) - standard_, end = local_change(*end_, y) - summer_;
    if (end <= unix_seconds && end > last) {
      last = end;
      offset = standard_;
    }
    if (start <= unix_seconds && start >= last) {
      last = start;
      offset = summer_;
    }
  }
  return offset;
}

}  // namespace pintle

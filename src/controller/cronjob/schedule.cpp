#include "controller/cronjob/schedule.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "api/values.h"
#include "base/strings.h"

namespace pintle::controller::cronjob {

namespace {

struct FieldRange {
  std::string_view name;
  int first, last;
  std::span<const std::string_view> words;  // words[i] means first + i
};
constexpr std::string_view month_words[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

constexpr std::pair<std::string_view, std::string_view> nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

std::optional<int> number_of(std::string_view text, const FieldRange& field) {
  const std::string lower = to_lower(text);
  for (std::size_t i = 0; i < field.words.size(); ++i)
    if (lower == field.words[i]) return field.first + static_cast<int>(i);
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
Result<Unit> parse_part(std::string_view part, const FieldRange& field, std::bitset<N>& out) {
  const auto bad = [&] { return bad_request("failed to parse " + std::string(field.name) + " \"" + std::string(part) + "\""); };
  const auto slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int first = field.first, last = field.last, step = 1;
  if (range != "*" && range != "?") {
    const auto dash = range.find('-');
    const auto low = number_of(range.substr(0, dash), field);
    if (!low) return bad();
    first = *low;
    last = slash == part.npos ? first : field.last;
    if (dash != range.npos) {
      const auto high = number_of(range.substr(dash + 1), field);
      if (!high) return bad();
      last = *high;
    }
  }
  if (slash != part.npos) {
    const auto wanted = number_of(part.substr(slash + 1), {field.name, 0, 0, {}});
    if (!wanted || *wanted < 1) return bad();
    step = *wanted;
  }
  if (first < field.first || last > field.last || first > last) return bad();
  for (int i = first; i <= last; i += step) out.set(static_cast<std::size_t>(i));
  return Unit{};
}

template <std::size_t N>
Result<Unit> parse_field(std::string_view text, const FieldRange& field, std::bitset<N>& out) {
  while (true) {
    const auto comma = text.find(',');
    TRY(parse_part(text.substr(0, comma), field, out));
    if (comma == text.npos) return Unit{};
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
    if (text.empty()) return out;
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool is_star(std::string_view text) { return text.starts_with('*') || text.starts_with('?'); }

int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return size == 4 ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
}

}  // namespace

Result<TimeZone> TimeZone::parse_tzif(std::string_view bytes) {
  constexpr std::size_t header = 44;
  const auto counts = [&](std::size_t at) {
    std::array<std::size_t, 6> out;  // isut, isstd, leap, time, type, char
    for (std::size_t i = 0; i < 6; ++i) out[i] = static_cast<uint32_t>(big_endian(bytes, at + 20 + 4 * i, 4));
    return out;
  };
  if (bytes.size() < header || !bytes.starts_with("TZif") || bytes[4] < '2') return bad_request("not a time zone file of version 2");
  const auto old = counts(0);
  const std::size_t second = header + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0];
  if (bytes.size() < second + header) return bad_request("the time zone file is cut off");
  const auto n = counts(second);
  const std::size_t times = second + header, indexes = times + n[3] * 8, types = indexes + n[3];
  const std::size_t footer = types + n[4] * 6 + n[5] + n[2] * 12 + n[1] + n[0];
  if (bytes.size() < footer || n[4] == 0) return bad_request("the time zone file is cut off");
  TimeZone zone;
  zone.first_offset_ = big_endian(bytes, types, 4);
  for (std::size_t i = 0; i < n[3]; ++i) {
    const auto type = static_cast<unsigned char>(bytes[indexes + i]);
    if (type >= n[4]) return bad_request("the time zone file is broken");
    zone.transitions_.emplace_back(big_endian(bytes, times + 8 * i, 8), big_endian(bytes, types + 6 * type, 4));
  }
  const std::string_view rule = bytes.substr(footer);  // between two line ends
  if (const auto end = rule.find('\n', 1); rule.starts_with('\n') && end != rule.npos) zone.rule_ = PosixRule::parse(rule.substr(1, end - 1));
  return zone;
}

int64_t TimeZone::offset_at(int64_t unix_seconds) const {
  if (rule_ && (transitions_.empty() || unix_seconds >= transitions_.back().first)) return rule_->offset_at(unix_seconds);
  auto it = std::ranges::upper_bound(transitions_, unix_seconds, {}, [](const auto& t) { return t.first; });
  return it == transitions_.begin() ? first_offset_ : std::prev(it)->second;
}

Result<Schedule> Schedule::parse(std::string_view text) {
  for (const auto& [name, meaning] : nicknames)
    if (text == name) return parse(meaning);
  Schedule schedule;
  if (constexpr std::string_view every = "@every "; text.starts_with(every)) {
    TRY_ASSIGN(const auto duration, api::parse_duration(text.substr(every.size())));
    schedule.every_seconds_ = std::max<int64_t>(1, duration.nanos / 1'000'000'000);
    return schedule;
  }
  const auto words = words_of(text);
  if (words.size() != 5) return bad_request("expected exactly 5 fields, found " + std::to_string(words.size()) + ": [" + std::string(text) + "]");
  TRY(parse_field(words[0], {"minute", 0, 59, {}}, schedule.minutes_));
  TRY(parse_field(words[1], {"hour", 0, 23, {}}, schedule.hours_));
  TRY(parse_field(words[2], {"day of month", 1, 31, {}}, schedule.days_));
  TRY(parse_field(words[3], {"month", 1, 12, month_words}, schedule.months_));
  TRY(parse_field(words[4], {"day of week", 0, 6, weekday_words}, schedule.weekdays_));
  schedule.any_day_ = is_star(words[2]);
  schedule.any_weekday_ = is_star(words[4]);
  return schedule;
}

// Both fields restricted: either is enough.
bool Schedule::is_day(int year, int month, int day) const {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const bool by_day = days_[static_cast<std::size_t>(day)], by_weekday = weekdays_[std::chrono::weekday(std::chrono::sys_days(date)).c_encoding()];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<int64_t> Schedule::next_after(int64_t unix_seconds, const TimeZone& zone) const {
  if (every_seconds_ > 0) return unix_seconds + every_seconds_;
  constexpr int64_t minute = 60, hour = 3600, horizon = 5LL * 366 * 24 * hour;
  int64_t at = unix_seconds - unix_seconds % minute + minute;
  const int64_t end = unix_seconds + horizon;
  while (at < end) {
    const int64_t local = at + zone.offset_at(at);
    const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(local)));
    const std::chrono::year_month_day date(days);
    const int64_t second = local - std::chrono::duration_cast<std::chrono::seconds>(days.time_since_epoch()).count();
    if (!months_[static_cast<unsigned>(date.month())] || !is_day(static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
                                                                 static_cast<int>(static_cast<unsigned>(date.day())))) {
      at += hour - second % hour;  // by hours: a day may have 23 or 25
    } else if (!hours_[static_cast<std::size_t>(second / hour)]) {
      at += hour - second % hour;
    } else if (!minutes_[static_cast<std::size_t>(second % hour / minute)]) {
      at += minute;
    } else {
      return at;
    }
  }
  return std::nullopt;
}

}  // namespace pintle::controller::cronjob

#include "rules/cron/cron_schedule.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/values.h"
#include "base/parse_number.h"
#include "base/split.h"
#include "base/strings.h"

namespace pintle::rules {

namespace {

struct FieldRange {
  std::string_view name;
  int64_t first, last;
  std::span<const std::string_view> words;  // words[i] means first + i
};
constexpr std::string_view month_words[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

constexpr std::pair<std::string_view, std::string_view> nicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

std::optional<int64_t> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with('-')) return std::nullopt;
  return parse_number<int64_t>(text);
}

std::optional<int64_t> value_of(std::string_view text, const FieldRange& field) {
  const auto word = std::ranges::find(field.words, to_lower(text));
  if (word != field.words.end()) return field.first + (word - field.words.begin());
  return number_of(text);
}

// "*", "3", "1-5", each with "/step": from, to, by.
struct Item {
  int64_t first, last, step = 1;
  bool any = false;
};

std::optional<Item> parse_item(std::string_view text, const FieldRange& field) {
  const std::vector<std::string_view> parts = split(text, '/'), ends = split(parts[0], '-');
  if (parts.size() > 2) return std::nullopt;
  Item out{field.first, field.last};
  if (ends[0] == "*" || ends[0] == "?") {  // what follows a hyphen then counts for nothing
    out.any = true;
  } else {
    const auto first = value_of(ends[0], field), last = value_of(ends.back(), field);
    if (ends.size() > 2 || !first || !last) return std::nullopt;
    out.first = *first;
    out.last = parts.size() == 2 && ends.size() == 1 ? field.last : *last;
  }
  if (parts.size() == 2) {
    const auto step = number_of(parts[1]);
    if (!step || *step < 1) return std::nullopt;
    out.step = *step;
    out.any = out.any && out.step == 1;
  }
  if (out.first < field.first || out.last > field.last || out.first > out.last) return std::nullopt;
  return out;
}

// Whether one of the items is any value. A list may have empty items, and none: then no time fits.
template <std::size_t N>
Result<bool> parse_field(std::string_view text, const FieldRange& field, std::bitset<N>& out) {
  bool any = false;
  for (const std::string_view word : split_words(text, ',')) {
    const auto item = parse_item(word, field);
    if (!item) return bad_request("\"" + std::string(word) + "\" is no " + std::string(field.name) + " of a cron schedule");
    any = any || item->any;
    int64_t at = item->first;
    while (true) {
      out.set(static_cast<std::size_t>(at));
      if (item->last - at < item->step) break;
      at += item->step;
    }
  }
  return any;
}

std::vector<std::string_view> fields_of(std::string_view text) {
  constexpr std::string_view white = " \t\n\v\f\r";
  std::vector<std::string_view> out;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
    if (text.empty()) return out;
    const auto end = std::min(text.find_first_of(white), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Unexpected<Status> wrong_count(const std::vector<std::string_view>& fields) {
  std::string shown;
  for (const std::string_view field : fields) shown += (shown.empty() ? "" : " ") + std::string(field);
  return bad_request("expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" + shown + "]");
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text) {
  for (const auto& [name, meaning] : nicknames)
    if (text == name) return parse(meaning);
  CronSchedule schedule;
  if (constexpr std::string_view every = "@every "; text.starts_with(every)) {
    const auto duration = api::parse_duration(text.substr(every.size()));
    if (!duration) return bad_request("failed to parse duration " + std::string(text) + ": " + duration.error().message);
    schedule.every_seconds_ = std::max<int64_t>(1, duration->nanos / 1'000'000'000);
    return schedule;
  }
  if (text.starts_with('@')) return bad_request("unrecognized descriptor: " + std::string(text));
  const auto fields = fields_of(text);
  if (fields.size() != 5) return wrong_count(fields);
  TRY(parse_field(fields[0], {"minute", 0, 59, {}}, schedule.minutes_));
  TRY(parse_field(fields[1], {"hour", 0, 23, {}}, schedule.hours_));
  TRY_ASSIGN(schedule.any_day_, parse_field(fields[2], {"day of month", 1, 31, {}}, schedule.days_));
  TRY(parse_field(fields[3], {"month", 1, 12, month_words}, schedule.months_));
  TRY_ASSIGN(schedule.any_weekday_, parse_field(fields[4], {"day of week", 0, 6, weekday_words}, schedule.weekdays_));
  return schedule;
}

// Both fields restricted: either is enough.
bool CronSchedule::is_day(int year, unsigned month, unsigned day) const {
  const std::chrono::sys_days date = std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day);
  const bool by_day = days_[day], by_weekday = weekdays_[std::chrono::weekday(date).c_encoding()];
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<int64_t> CronSchedule::next_after(int64_t unix_seconds, const TimeZone& zone) const {
  if (every_seconds_ > 0) return unix_seconds + every_seconds_;
  constexpr int64_t minute = 60, hour = 3600;
  constexpr int years = 5;
  std::optional<int> last_year;
  int64_t at = unix_seconds - unix_seconds % minute + minute;
  while (true) {
    const int64_t local = at + zone.offset_at(at);
    const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(local)));
    const std::chrono::year_month_day date(days);
    const int year = static_cast<int>(date.year());
    if (!last_year) last_year = year + years;
    if (year > *last_year) return std::nullopt;
    const int64_t second = local - std::chrono::duration_cast<std::chrono::seconds>(days.time_since_epoch()).count();
    const auto month = static_cast<unsigned>(date.month());
    if (!months_[month] || !is_day(year, month, static_cast<unsigned>(date.day())) || !hours_[static_cast<std::size_t>(second / hour)]) {
      at += hour - second % hour;  // by hours: a day may have 23 or 25
    } else if (!minutes_[static_cast<std::size_t>(second % hour / minute)]) {
      at += minute;
    } else {
      return at;
    }
  }
}

}  // namespace pintle::rules

// What a calendar and a clock show of a timestamp, and the parts of a duration.
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/program.h"
#include "apimachinery/cel/time_value.h"
#include "apimachinery/cel/time_zones.h"
#include "base/parse_number.h"

namespace pintle::apimachinery::cel {
namespace {

// "+01:30", "-7:00": hours and minutes. Source: upstream's own reading, which has no limits.
std::optional<int64_t> fixed_offset(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view hours_text = text.substr(0, colon);
  const bool negative = hours_text.starts_with('-');
  if (hours_text.starts_with('+') || negative) hours_text.remove_prefix(1);
  const auto hours = parse_number<uint16_t>(hours_text), minutes = parse_number<uint16_t>(text.substr(colon + 1));
  if (!hours || !minutes) return std::nullopt;
  const int64_t seconds = static_cast<int64_t>(*hours) * 3600 + static_cast<int64_t>(*minutes) * 60;
  return negative ? -seconds : seconds;
}

template <auto part>
Value in_utc(const Call& call) {
  return Value::of(part(calendar_time(call[0].as_timestamp(), 0)));
}
template <auto part>
Value in_zone(const Call& call) {
  const std::string_view zone = call[1].text();
  const Timestamp time = call[0].as_timestamp();
  if (zone.empty() || zone == "UTC") return Value::of(part(calendar_time(time, 0)));
  if (zone.find(':') != std::string_view::npos) {
    const auto offset = fixed_offset(zone);
    if (!offset) return call.fail("invalid offset of a time zone: " + std::string(zone));
    return Value::of(part(calendar_time(time, *offset)));
  }
  if (zone.starts_with('/') || zone.starts_with('\\') || zone.find("..") != std::string_view::npos) return call.fail("time: invalid location name");
  const TimeZone* known = call.options.zones ? call.options.zones->find(zone) : nullptr;
  if (!known) return call.fail("unknown time zone " + std::string(zone));
  return Value::of(part(calendar_time(time, known->offset_at(time.seconds))));
}
template <int64_t nanos>
Value duration_in(const Call& call) {
  return Value::of(call[0].as_duration() / nanos);
}

constexpr auto year = [](const CalendarTime& t) { return t.year; };
constexpr auto month = [](const CalendarTime& t) { return static_cast<int64_t>(t.month - 1); };
constexpr auto day_of_year = [](const CalendarTime& t) { return static_cast<int64_t>(t.day_of_year); };
constexpr auto day_from_0 = [](const CalendarTime& t) { return static_cast<int64_t>(t.day - 1); };
constexpr auto day_from_1 = [](const CalendarTime& t) { return static_cast<int64_t>(t.day); };
constexpr auto day_of_week = [](const CalendarTime& t) { return static_cast<int64_t>(t.day_of_week); };
constexpr auto hour = [](const CalendarTime& t) { return static_cast<int64_t>(t.hour); };
constexpr auto minute = [](const CalendarTime& t) { return static_cast<int64_t>(t.minute); };
constexpr auto second = [](const CalendarTime& t) { return static_cast<int64_t>(t.second); };
constexpr auto millisecond = [](const CalendarTime& t) { return static_cast<int64_t>(t.millisecond); };

constexpr auto& at = of<&types::timestamp>;
constexpr auto& at_zone = of<&types::timestamp, &types::string>;
constexpr auto& span = of<&types::duration>;

const Overload year_overloads[] = {{"timestamp_to_year", true, at, &types::integer, in_utc<year>},
                                   {"timestamp_to_year_with_tz", true, at_zone, &types::integer, in_zone<year>}};
const Overload month_overloads[] = {{"timestamp_to_month", true, at, &types::integer, in_utc<month>},
                                    {"timestamp_to_month_with_tz", true, at_zone, &types::integer, in_zone<month>}};
const Overload day_of_year_overloads[] = {{"timestamp_to_day_of_year", true, at, &types::integer, in_utc<day_of_year>},
                                          {"timestamp_to_day_of_year_with_tz", true, at_zone, &types::integer, in_zone<day_of_year>}};
const Overload day_from_0_overloads[] = {{"timestamp_to_day_of_month", true, at, &types::integer, in_utc<day_from_0>},
                                         {"timestamp_to_day_of_month_with_tz", true, at_zone, &types::integer, in_zone<day_from_0>}};
const Overload day_from_1_overloads[] = {{"timestamp_to_day_of_month_1_based", true, at, &types::integer, in_utc<day_from_1>},
                                         {"timestamp_to_day_of_month_1_based_with_tz", true, at_zone, &types::integer, in_zone<day_from_1>}};
const Overload day_of_week_overloads[] = {{"timestamp_to_day_of_week", true, at, &types::integer, in_utc<day_of_week>},
                                          {"timestamp_to_day_of_week_with_tz", true, at_zone, &types::integer, in_zone<day_of_week>}};
const Overload hour_overloads[] = {{"timestamp_to_hours", true, at, &types::integer, in_utc<hour>},
                                   {"timestamp_to_hours_with_tz", true, at_zone, &types::integer, in_zone<hour>},
                                   {"duration_to_hours", true, span, &types::integer, duration_in<3'600'000'000'000>}};
const Overload minute_overloads[] = {{"timestamp_to_minutes", true, at, &types::integer, in_utc<minute>},
                                     {"timestamp_to_minutes_with_tz", true, at_zone, &types::integer, in_zone<minute>},
                                     {"duration_to_minutes", true, span, &types::integer, duration_in<60'000'000'000>}};
const Overload second_overloads[] = {{"timestamp_to_seconds", true, at, &types::integer, in_utc<second>},
                                     {"timestamp_to_seconds_tz", true, at_zone, &types::integer, in_zone<second>},
                                     {"duration_to_seconds", true, span, &types::integer, duration_in<1'000'000'000>}};
const Overload millisecond_overloads[] = {{"timestamp_to_milliseconds", true, at, &types::integer, in_utc<millisecond>},
                                          {"timestamp_to_milliseconds_with_tz", true, at_zone, &types::integer, in_zone<millisecond>},
                                          {"duration_to_milliseconds", true, span, &types::integer, duration_in<1'000'000>}};

const Function functions[] = {{"getFullYear", year_overloads},
                              {"getMonth", month_overloads},
                              {"getDayOfYear", day_of_year_overloads},
                              {"getDayOfMonth", day_from_0_overloads},
                              {"getDate", day_from_1_overloads},
                              {"getDayOfWeek", day_of_week_overloads},
                              {"getHours", hour_overloads},
                              {"getMinutes", minute_overloads},
                              {"getSeconds", second_overloads},
                              {"getMilliseconds", millisecond_overloads}};

}  // namespace

std::span<const Function> time_functions() { return functions; }

}  // namespace pintle::apimachinery::cel

// Cron schedules: five fields, names of months and days, ranges, steps, lists, @hourly and its kin; in a time zone. Pure.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "controller/cronjob/posix_rule.h"

namespace pintle::controller::cronjob {

// Offsets from UTC by time, as a TZif file lists them, and after those by the rule at its end.
class TimeZone {
 public:
  static TimeZone utc() { return {}; }
  // RFC 8536; BadRequest for anything else.
  static Result<TimeZone> parse_tzif(std::string_view bytes);
  int64_t offset_at(int64_t unix_seconds) const;

 private:
  int64_t first_offset_ = 0;
  std::vector<std::pair<int64_t, int64_t>> transitions_;  // from when, which offset
  std::optional<PosixRule> rule_;
};

class Schedule {
 public:
  // BadRequest says which field is wrong.
  static Result<Schedule> parse(std::string_view text);
  // The first time of the schedule after `unix_seconds`; nullopt: none within five years.
  std::optional<int64_t> next_after(int64_t unix_seconds, const TimeZone& zone) const;

 private:
  bool is_day(int year, int month, int day) const;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false, any_weekday_ = false;  // given as * or ?
  int64_t every_seconds_ = 0;                   // @every
};

}  // namespace pintle::controller::cronjob

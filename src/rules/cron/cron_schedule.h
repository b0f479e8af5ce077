// CronSchedule: five fields, names of months and days, ranges, steps, lists, @hourly and its kin, @every; in a time zone. Reads what
// upstream's library (robfig/cron v3, ParseStandard) reads, without a zone before the fields. Pure.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "base/time_zone.h"

namespace pintle::rules {

class CronSchedule {
 public:
  // BadRequest says which field is wrong.
  static Result<CronSchedule> parse(std::string_view text);
  // The first time of the schedule after `unix_seconds`; nullopt: none before the sixth new year from then.
  std::optional<int64_t> next_after(int64_t unix_seconds, const TimeZone& zone) const;

 private:
  bool is_day(int year, unsigned month, unsigned day) const;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false, any_weekday_ = false;  // * or ? stands among the field's items, without a step of two or more
  int64_t every_seconds_ = 0;                   // @every
};

}  // namespace pintle::rules

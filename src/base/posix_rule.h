// PosixRule: a POSIX TZ text ("CET-1CEST,M3.5.0,M10.5.0/3"), as the footer of a TZif file (RFC 8536) gives it for all time after its
// last transition. Not through tzset(), which knows one zone a process. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pintle {

class PosixRule {
 public:
  // nullopt: empty, or not of that form.
  static std::optional<PosixRule> parse(std::string_view text);
  // Seconds east of UTC.
  int64_t offset_at(int64_t unix_seconds) const;

 private:
  struct Date {
    enum class Kind : uint8_t { Month, Julian, Day } kind = Kind::Month;
    int month = 0, week = 0, day = 0;  // Mm.w.d: week 5 is the last; Jn: 1..365 without 29 February; n: 0..365
    int64_t second = 2 * 3600;         // of that day by the offset until then; may be of another day
  };
  friend class RuleParser;
  // When the clock changes in that year, as if UTC were the local time.
  static int64_t local_change(const Date& date, int year);

  int64_t standard_ = 0;  // offsets
  int64_t summer_ = 0;
  std::optional<Date> start_, end_;  // of summer time: both or none
};

}  // namespace pintle

// TimeZone: what a zone's clocks show. Pure; whoever has the file gives its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/posix_rule.h"
#include "base/status.h"

namespace pintle {

// Whether it may be the name of a zone (Area/City, UTC), which is also a path below the zones' folder; "Local" is no zone. Whether there
// is such a zone is for whoever has the files to say.
bool is_time_zone_name(std::string_view name);

// Offsets from UTC by time, as a TZif file lists them, and after those by the rule at its end.
class TimeZone {
 public:
  static TimeZone utc() { return {}; }
  // RFC 8536; BadRequest for anything else.
  static Result<TimeZone> parse_tzif(std::string_view bytes);
  // Seconds east of UTC.
  int64_t offset_at(int64_t unix_seconds) const;

 private:
  int64_t first_offset_ = 0;
  std::vector<std::pair<int64_t, int64_t>> transitions_;  // from when, which offset
  std::optional<PosixRule> rule_;
};

}  // namespace pintle

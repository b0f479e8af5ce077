// Cron schedules, time zone files and the rule at their end.
#include "base/check.h"
#include "driver.h"
#include "rules/cron/cron_schedule.h"

namespace pintle::fuzz {
namespace {

using namespace rules;
constexpr int64_t times[] = {0, 1'800'000'000, 4'102'444'800};

std::string tzif() {
  std::string out = "TZif2";
  const auto block = [&](bool large) {
    if (out.size() > 5) out += "TZif2";
    out.append(15, '\0');
    for (const int count : {0, 0, 0, 1, 2, 8}) out += std::string{'\0', '\0', '\0', static_cast<char>(count)};
    out.append(large ? 7 : 3, '\0');
    out += '\x64';
    out += '\1';
    out += std::string("\0\0\x0E\x10\0\0\0\0\x1C\x20\1\4", 12);
    out += std::string("CET\0CES\0", 8);
  };
  block(false);
  block(true);
  return out + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
}

}  // namespace

void one(std::string_view input) {
  const auto schedule = CronSchedule::parse(input);
  const auto zone = TimeZone::parse_tzif(input);
  const auto rule = PosixRule::parse(input);
  for (const int64_t at : times) {
    if (rule) (void)rule->offset_at(at);
    if (zone) (void)zone->offset_at(at);
    if (!schedule) continue;
    const auto next = schedule->next_after(at, TimeZone::utc());
    CHECK(!next || *next > at, "the next time is later");
  }
}

std::vector<std::string> seeds() {
  return {"*/5 0-6,12 1,15 JAN-MAR MON#",
          "@hourly",
          "@every 1h30m",
          "0 0 31 2 *",
          "0 0 29 2 ?",
          "TZ=UTC 1 2 3 4 5",
          tzif(),
          "CET-1CEST,M3.5.0,M10.5.0/3",
          "<-03>3<-02>,J60/-2,300/24:30:10"};
}
std::vector<std::string> tokens() {
  return {"*",  "*/",  "-",   ",", "?",    "L",  "#", "@every ", "@yearly", "1s", "59",         "23",
          "31", "DEC", "SUN", "7", "TZif", ",M", "/", "<",       ">",       "J",  "99999999999"};
}

}  // namespace pintle::fuzz

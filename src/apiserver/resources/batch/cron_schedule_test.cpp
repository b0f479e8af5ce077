#include <gtest/gtest.h>

#include "apiserver/resources/batch/batch.h"

namespace pintle::apiserver::resources {
namespace {

TEST(CronSchedule, Accepts) {
  for (const char* text :
       {"* * * * *", "*/5 0-6/2 1,15 jan-mar MON-FRI", "0 0 ? * 0", "@daily", "@every 1h30m", "@every 0.5s", "@every -1h", "5/15 * * * *"})
    EXPECT_EQ(check_cron_schedule(text), "") << text;
}

TEST(CronSchedule, Refuses) {
  for (const char* text : {"",           "* * * *",    "* * * * * *", "60 * * * *",        "* 24 * * *",
                           "* * 0 * *",  "* * * 13 *", "* * * * 7",   "5-1 * * * *",       "*/0 * * * *",
                           "a * * * *",  "@never",     "@every ",     "@every tomorrow",   "@every 5",
                           "@every  1h", "@every 1h ", "@every 1d",   "@every 300000000h", "1/2/3 * * * *"})
    EXPECT_NE(check_cron_schedule(text), "") << text;
}

}  // namespace
}  // namespace pintle::apiserver::resources

#include <gtest/gtest.h>

#include <algorithm>

#include "apimachinery/discovery/served_resources.h"
#include "apimachinery/table/columns.h"
#include "apimachinery/table/duration.h"

namespace pintle::apimachinery {
namespace {

void check_duration(int64_t seconds, std::string_view human, std::string_view brief) {
  EXPECT_EQ(human_duration(std::chrono::seconds(seconds)), human) << seconds;
  EXPECT_EQ(short_human_duration(std::chrono::seconds(seconds)), brief) << seconds;
}

TEST(Duration, Human) {
  constexpr int64_t hour = 3600, day = 24 * hour, year = 365 * day;
  check_duration(-2, "<invalid>", "<invalid>");
  check_duration(-1, "0s", "0s");
  check_duration(0, "0s", "0s");
  check_duration(119, "119s", "1m");
  check_duration(120, "2m", "2m");
  check_duration(130, "2m10s", "2m");
  check_duration(599, "9m59s", "9m");
  check_duration(600, "10m", "10m");
  check_duration(3 * hour - 1, "179m", "2h");
  check_duration(3 * hour, "3h", "3h");
  check_duration(3 * hour + 60, "3h1m", "3h");
  check_duration(8 * hour, "8h", "8h");
  check_duration(47 * hour, "47h", "1d");
  check_duration(2 * day, "2d", "2d");
  check_duration(5 * day + 3 * hour, "5d3h", "5d");
  check_duration(8 * day + 3 * hour, "8d", "8d");
  check_duration(729 * day, "729d", "1y");
  check_duration(2 * year + 10 * day, "2y10d", "2y");
  check_duration(9 * year, "9y", "9y");
}

TEST(TableColumns, EveryListableResourceHasThem) {
  for (const ServedResource& resource : served_resources()) {
    if (!resource.can(verb::list)) continue;
    const auto columns = table_columns(resource.group, resource.name);
    ASSERT_FALSE(columns.empty()) << resource.name;
    EXPECT_TRUE(std::ranges::any_of(columns, [](const TableColumn& c) { return c.format == "name"; })) << resource.name;
  }
  const auto pods = table_columns("", "pods");
  EXPECT_EQ(pods.size(), 9u);
  EXPECT_EQ(pods[5].name, "IP");
  EXPECT_EQ(pods[5].priority, 1);
  EXPECT_EQ(table_columns("metrics.k8s.io", "nodes").size(), 5u);
  EXPECT_EQ(table_columns("example.com", "widgets").size(), 2u);
}

}  // namespace
}  // namespace pintle::apimachinery

#include "kubelet/server/log_lines.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::server {
namespace {

constexpr std::string_view file =
    "2026-01-02T03:04:05.123456789Z stdout F one\n"
    "2026-01-02T03:04:06.5+01:00 stderr F two\n"
    "rubbish\n"
    "2026-01-02T03:04:07.1Z stdout P thr\n"
    "2026-01-02T03:04:07.2Z stdout F ee\n"
    "2026-01-02T03:04:08Z stdout F \n";

std::string filtered(LogSelection selection) {
  LogFilter filter(std::move(selection));
  std::string out;
  for (std::string_view rest = file; !rest.empty() && !filter.full();) {
    const auto end = rest.find('\n') + 1;
    filter.feed(rest.substr(0, end), out);
    rest.remove_prefix(end);
  }
  return out;
}

TEST(LogLines, Selections) {
  EXPECT_EQ(filtered({}), "one\ntwo\nthree\n\n");
  EXPECT_EQ(filtered({.stderr = false}), "one\nthree\n\n");
  EXPECT_EQ(filtered({.stdout = false}), "two\n");
  EXPECT_EQ(filtered({.lines_max = 2}), "one\ntwo\n");
  EXPECT_EQ(filtered({.lines_max = 0}), "");
  EXPECT_EQ(filtered({.bytes_max = 6}), "one\ntw");
  EXPECT_EQ(filtered({.since = *api::parse_time("2026-01-02T03:04:07.15Z")}), "ee\n\n");
  EXPECT_EQ(filtered({.timestamps = true}),
            "2026-01-02T03:04:05.123456789Z one\n2026-01-02T03:04:06.500000000+01:00 two\n2026-01-02T03:04:07.100000000Z "
            "three\n2026-01-02T03:04:08.000000000Z \n");
}

TEST(LogLines, NoLines) {
  for (const std::string_view line :
       {"", "\n", "a b c d\n", "2026-01-02T03:04:05Z stdout\n", "2026-01-02T03:04:05Z stdlog F x\n", "2026-01-02T03:04:05Z stdout F\n"})
    EXPECT_FALSE(parse_log_line(line)) << line;
}

}  // namespace
}  // namespace pintle::kubelet::server

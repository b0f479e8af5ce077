#include "apiserver/types/service_ranges.h"

#include <gtest/gtest.h>

namespace pintle::apiserver {
namespace {

// The ranges and the first address of each, or "-".
std::string parsed(std::string_view text) {
  const auto ranges = parse_service_ranges(text);
  if (!ranges) return "-";
  std::string out;
  for (const IpPrefix& range : *ranges) out += (out.empty() ? "" : " ") + range.to_string() + "=" + range.nth(1)->to_string();
  return out;
}

TEST(ServiceRanges, Parses) {
  EXPECT_EQ(parsed("10.96.0.0/16"), "10.96.0.0/16=10.96.0.1");
  EXPECT_EQ(parsed("10.96.7.9/16"), "10.96.0.0/16=10.96.0.1");
  EXPECT_EQ(parsed("fd00:10:96::1000/116"), "fd00:10:96::1000/116=fd00:10:96::1001");
  EXPECT_EQ(parsed("10.0.0.255/24,fd00::/108"), "10.0.0.0/24=10.0.0.1 fd00::/108=fd00::1");
  EXPECT_EQ(parsed("fd00::/108,10.0.0.0/24"), "fd00::/108=fd00::1 10.0.0.0/24=10.0.0.1");
  for (const std::string_view bad :
       {"", "10.0.0.0", "10.0.0.0/24,", "10.0.0.0/24,10.1.0.0/24", "10.0.0.0/24,fd00::/108,fd01::/108", "10.0.0.1/32", "10.0.0.0/33", "x"})
    EXPECT_EQ(parsed(bad), "-") << bad;
}

}  // namespace
}  // namespace pintle::apiserver

#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace pintle {
namespace {

void check_address(std::string_view text, std::string_view canonical) {
  const auto address = parse_address(text);
  ASSERT_TRUE(address) << text;
  EXPECT_EQ(address->to_string(), canonical);
}
void check_prefix(std::string_view text, std::string_view canonical) {
  const auto prefix = parse_prefix(text);
  ASSERT_TRUE(prefix) << text;
  EXPECT_EQ(prefix->to_string(), canonical);
}

TEST(IpAddress, Parses) {
  check_address("10.0.0.1", "10.0.0.1");
  check_address("010.001.0.08", "10.1.0.8");
  check_address("2001:DB8:0:0::1", "2001:db8::1");
  check_address("::ffff:10.0.0.1", "10.0.0.1");
  check_address("::", "::");
  for (const std::string_view bad : {"", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10..0.1", "10.0.0.1 ", "a.b.c.d", "fe80::1%eth0", ":", "1:2:3"})
    EXPECT_FALSE(parse_address(bad)) << bad;
}

TEST(IpAddress, Prefixes) {
  check_prefix("10.1.2.3/8", "10.0.0.0/8");
  check_prefix("10.1.2.3/32", "10.1.2.3/32");
  check_prefix("10.1.2.255/25", "10.1.2.128/25");
  check_prefix("0.0.0.0/0", "0.0.0.0/0");
  check_prefix("fd00:1234:5678::1/44", "fd00:1234:5670::/44");
  for (const std::string_view bad : {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "/8", "10.0.0.0/8/8"})
    EXPECT_FALSE(parse_prefix(bad)) << bad;
}

TEST(IpAddress, Contains) {
  const auto holds = [](std::string_view prefix, std::string_view address) { return parse_prefix(prefix)->contains(*parse_address(address)); };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("10.1.2.128/25", "10.1.2.200"));
  EXPECT_FALSE(holds("10.1.2.128/25", "10.1.2.100"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("fd00::/17", "fd00:7fff::1"));
  EXPECT_FALSE(holds("fd00::/17", "fd00:8000::1"));
  EXPECT_TRUE(parse_address("127.9.9.9")->is_loopback());
  EXPECT_TRUE(parse_address("::1")->is_loopback());
  EXPECT_FALSE(parse_address("::2")->is_loopback());
  EXPECT_TRUE(parse_address("0.0.0.0")->is_unspecified());
}

TEST(IpAddress, Outermost) {
  std::string out;
  for (const auto& prefix : outermost({*parse_prefix("10.1.0.0/16"), *parse_prefix("10.0.0.0/8"), *parse_prefix("fd00::/8"),
                                       *parse_prefix("10.0.0.0/16"), *parse_prefix("192.168.0.0/24"), *parse_prefix("10.0.0.0/8")}))
    out += prefix.to_string() + " ";
  EXPECT_EQ(out, "10.0.0.0/8 192.168.0.0/24 fd00::/8 ");
}

}  // namespace
}  // namespace pintle

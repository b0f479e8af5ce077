#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace pintle {
namespace {

constexpr std::string_view none = "-";

std::string strict_and_legacy(std::string_view text) {
  const auto strict = parse_address(text, IpSyntax::Strict), legacy = parse_address(text);
  if (strict) {
    EXPECT_EQ(strict, legacy) << text;
    EXPECT_EQ(IpAddress::from_wire(strict->wire()), strict) << text;
  }
  return (strict ? strict->to_string() : std::string(none)) + " " + (legacy ? legacy->to_string() : std::string(none));
}
void check_address(std::string_view text, std::string_view canonical) {
  EXPECT_EQ(strict_and_legacy(text), std::string(canonical) + " " + std::string(canonical));
}
// Read only where old texts are.
void check_legacy(std::string_view text, std::string_view canonical) {
  EXPECT_EQ(strict_and_legacy(text), std::string(none) + " " + std::string(canonical));
}

std::string both_prefixes(std::string_view text, IpSyntax syntax = IpSyntax::Legacy) {
  const auto prefix = parse_prefix(text, syntax), unmasked = parse_unmasked_prefix(text, syntax);
  EXPECT_EQ(prefix.has_value(), unmasked.has_value()) << text;
  return prefix ? prefix->to_string() + " " + unmasked->to_string() : std::string(none);
}

TEST(IpAddress, Parses) {
  check_address("10.0.0.1", "10.0.0.1");
  check_address("2001:DB8:0:0::1", "2001:db8::1");
  check_address("::", "::");
  check_address("::1", "::1");
  check_address("1::", "1::");
  check_address("1:0:0:2:0:0:0:3", "1:0:0:2::3");
  check_address("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
  check_address("1:0:0:2:0:0:3:4", "1::2:0:0:3:4");
  check_address("64:ff9b::1.2.3.4", "64:ff9b::102:304");
  check_address("::1.2.3.4", "::102:304");
  check_address("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
  check_legacy("010.001.0.08", "10.1.0.8");
  check_legacy("::ffff:10.0.0.1", "10.0.0.1");
  check_legacy("::ffff:a00:1", "10.0.0.1");
  check_legacy("64:ff9b::1.2.03.4", "64:ff9b::102:304");
  for (const std::string_view bad : {"",
                                     "10.0.0",
                                     "10.0.0.0.1",
                                     "10.0.0.256",
                                     "10..0.1",
                                     "10.0.0.1 ",
                                     " 10.0.0.1",
                                     "+1.0.0.0",
                                     "-1.0.0.0",
                                     "a.b.c.d",
                                     "fe80::1%eth0",
                                     ":",
                                     ":::",
                                     ":1",
                                     "1:",
                                     "1:2:3",
                                     "1::2::3",
                                     "1:2:3:4:5:6:7:8:9",
                                     "1:2:3:4:5:6:7:8::",
                                     "::1:2:3:4:5:6:7:8",
                                     "12345::",
                                     "::g",
                                     "::1.2.3",
                                     "1.2.3.4::",
                                     "::1.2.3.4:5",
                                     "1:2:3:4:5:6:7:1.2.3.4",
                                     "10.0.0.99999999999999999999"})
    EXPECT_EQ(strict_and_legacy(bad), "- -") << bad;
  EXPECT_FALSE(parse_address(std::string_view("::1\0", 4)));
}

TEST(IpAddress, Wire) {
  EXPECT_EQ(IpAddress::from_wire(std::string_view("\x0a\0\0\x01", 4))->to_string(), "10.0.0.1");
  EXPECT_EQ(IpAddress::from_wire(std::string_view("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16))->to_string(), "fd00::1");
  EXPECT_EQ(IpAddress::from_wire(std::string_view("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01", 16))->to_string(), "10.0.0.1");
  EXPECT_FALSE(IpAddress::from_wire("12345"));
  EXPECT_FALSE(IpAddress::from_wire(""));
}

TEST(IpAddress, Prefixes) {
  EXPECT_EQ(both_prefixes("10.1.2.3/8"), "10.0.0.0/8 10.1.2.3/8");
  EXPECT_EQ(both_prefixes("10.1.2.3/32"), "10.1.2.3/32 10.1.2.3/32");
  EXPECT_EQ(both_prefixes("10.1.2.255/25"), "10.1.2.128/25 10.1.2.255/25");
  EXPECT_EQ(both_prefixes("0.0.0.0/0"), "0.0.0.0/0 0.0.0.0/0");
  EXPECT_EQ(both_prefixes("fd00:1234:5678::1/44"), "fd00:1234:5670::/44 fd00:1234:5678::1/44");
  EXPECT_EQ(both_prefixes("10.0.0.0/08"), "10.0.0.0/8 10.0.0.0/8");
  EXPECT_EQ(both_prefixes("10.0.0.0/08", IpSyntax::Strict), none);
  EXPECT_EQ(both_prefixes("10.0.0.0/0", IpSyntax::Strict), "0.0.0.0/0 10.0.0.0/0");
  // The length of a mapped range is one of IPv6.
  EXPECT_EQ(both_prefixes("::ffff:10.1.0.0/104"), "10.0.0.0/8 10.1.0.0/8");
  EXPECT_EQ(both_prefixes("::ffff:10.1.0.0/104", IpSyntax::Strict), none);
  EXPECT_EQ(parse_prefix("::ffff:10.0.0.0/24")->to_string(), "::/24");
  for (const std::string_view bad :
       {"10.0.0.1", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/-0", "::/129", "/8", "10.0.0.0/8/8", "10.0.0.0/8 "})
    EXPECT_EQ(both_prefixes(bad), none) << bad;
  EXPECT_EQ(IpPrefix::of(*parse_address("10.0.0.1")).to_string(), "10.0.0.1/32");
  EXPECT_EQ(IpPrefix::of(*parse_address("::1")).to_string(), "::1/128");
}

TEST(IpAddress, Contains) {
  const auto holds = [](std::string_view text, std::string_view address) {
    const bool out = parse_prefix(text)->contains(*parse_address(address));
    EXPECT_EQ(parse_unmasked_prefix(text)->contains(*parse_address(address)), out);
    return out;
  };
  EXPECT_TRUE(holds("10.3.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(holds("10.1.2.129/25", "10.1.2.200"));
  EXPECT_FALSE(holds("10.1.2.128/25", "10.1.2.100"));
  EXPECT_TRUE(holds("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("fd00::/17", "fd00:7fff::1"));
  EXPECT_FALSE(holds("fd00::/17", "fd00:8000::1"));
  EXPECT_TRUE(holds("::1/128", "::1"));
  EXPECT_TRUE(parse_address("127.9.9.9")->is_loopback());
  EXPECT_TRUE(parse_address("::1")->is_loopback());
  EXPECT_FALSE(parse_address("::2")->is_loopback());
  EXPECT_TRUE(parse_address("0.0.0.0")->is_unspecified());
}

TEST(IpAddress, Nth) {
  const auto nth = [](std::string_view prefix, uint64_t n) {
    const auto address = parse_prefix(prefix)->nth(n);
    EXPECT_EQ(parse_unmasked_prefix(prefix)->nth(n), address);
    return address ? address->to_string() : std::string(none);
  };
  EXPECT_EQ(nth("10.96.0.0/16", 0), "10.96.0.0");
  EXPECT_EQ(nth("10.96.7.9/16", 1), "10.96.0.1");
  EXPECT_EQ(nth("10.96.0.0/16", 300), "10.96.1.44");
  EXPECT_EQ(nth("10.96.0.0/16", 65535), "10.96.255.255");
  EXPECT_EQ(nth("10.96.0.0/16", 65536), none);
  EXPECT_EQ(nth("10.96.0.255/24", 1), "10.96.0.1");
  EXPECT_EQ(nth("10.96.0.1/32", 0), "10.96.0.1");
  EXPECT_EQ(nth("10.96.0.1/32", 1), none);
  EXPECT_EQ(nth("0.0.0.0/0", 0xffffffff), "255.255.255.255");
  EXPECT_EQ(nth("0.0.0.0/0", 0x100000000), none);
  EXPECT_EQ(nth("fd00:10:96::1000/116", 1), "fd00:10:96::1001");
  EXPECT_EQ(nth("fd00:10:96::1000/116", 4096), none);
  EXPECT_EQ(nth("fd00::/64", ~uint64_t{0}), "fd00::ffff:ffff:ffff:ffff");
  EXPECT_EQ(nth("::/0", ~uint64_t{0}), "::ffff:ffff:ffff:ffff");
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

#include "rules/service_addresses.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

using api::networking_v1::ServiceCIDR;

TEST(ServiceAddresses, Assignable) {
  const auto check = [](const char* range, const char* address, bool want) {
    EXPECT_EQ(is_assignable(*parse_prefix(range), *parse_address(address)), want) << range << " " << address;
  };
  check("10.0.0.0/24", "10.0.0.0", false);
  check("10.0.0.0/24", "10.0.0.1", true);
  check("10.0.0.0/24", "10.0.0.254", true);
  check("10.0.0.0/24", "10.0.0.255", false);
  check("10.0.0.0/24", "10.0.1.1", false);
  check("10.0.0.0/32", "10.0.0.0", false);
  check("10.0.0.0/31", "10.0.0.1", false);
  check("10.0.0.0/30", "10.0.0.2", true);
  check("fd00::/112", "fd00::", false);
  check("fd00::/112", "fd00::ffff", true);
  check("fd00::/112", "10.0.0.1", false);
}

TEST(ServiceAddresses, OfServiceCIDRs) {
  const auto cidr = api::testing::from_yaml<ServiceCIDR>("{spec: {cidrs: [10.0.0.0/24, 'fd00::/112', x]}}");
  EXPECT_EQ(ranges_of(cidr).size(), 2u);
  EXPECT_TRUE(has_assignable(cidr, *parse_address("fd00::1")));
  EXPECT_FALSE(has_assignable(cidr, *parse_address("10.0.0.255")));
  const auto check = [](const char* rest, bool want) { EXPECT_EQ(is_open(api::testing::from_yaml<ServiceCIDR>(rest)), want) << rest; };
  check("{}", true);
  check("{status: {conditions: [{type: Ready, status: 'True'}]}}", true);
  check("{status: {conditions: [{type: Ready, status: 'False'}]}}", false);
  check("{status: {conditions: [{type: Ready, status: Unknown}]}}", false);
  check("{metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}}", false);
}

}  // namespace
}  // namespace pintle::rules

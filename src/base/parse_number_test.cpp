#include "base/parse_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace pintle {
namespace {

TEST(ParseNumber, TakesTheWholeText) {
  EXPECT_EQ(parse_number<int32_t>("0"), 0);
  EXPECT_EQ(parse_number<int32_t>("-17"), -17);
  EXPECT_EQ(parse_number<int32_t>("007"), 7);
  EXPECT_EQ(parse_number<uint32_t>("0755", 8), 0755u);
  EXPECT_EQ(parse_number<uint8_t>("ff", 16), 255);
  EXPECT_EQ(parse_number<int64_t>("9223372036854775807"), INT64_MAX);
  for (const std::string_view bad : {"", "-", "+1", " 1", "1 ", "1x", "0x1", "1.0", "1e3", "99999999999"})
    EXPECT_FALSE(parse_number<int32_t>(bad)) << bad;
  EXPECT_FALSE(parse_number<uint32_t>("-1"));
  EXPECT_FALSE(parse_number<uint8_t>("256"));
  EXPECT_FALSE(parse_number<int64_t>("9223372036854775808"));
}

}  // namespace
}  // namespace pintle

#include <gtest/gtest.h>

#include "api/decimal.h"
#include "api/values.h"

namespace pintle::api {
namespace {

void check_text(std::string_view text, std::string_view canonical) {
  const auto q = Quantity::parse(text);
  EXPECT_EQ(q ? q->text() : "refused", canonical) << text;
}

// The canonical forms of upstream's documentation and of its parser, its habit of keeping near-canonical text included.
TEST(Quantity, CanonicalForm) {
  check_text("0", "0");
  check_text("0n", "0");
  check_text("00.000", "0");
  check_text("1.5", "1500m");
  check_text("1.5Gi", "1536Mi");
  check_text("100m", "100m");
  check_text("1000m", "1");
  check_text("0.5", "500m");
  check_text("1024Ki", "1Mi");
  check_text("1000Ki", "1000Ki");
  check_text("1000k", "1M");
  check_text("12e6", "12e6");
  check_text("12e4", "120e3");
  check_text("1e3", "1e3");
  check_text("1E3", "1E3");
  check_text("1E", "1E");
  check_text("+5Ki", "+5Ki");
  check_text("-1.5Gi", "-1536Mi");
  check_text("0.5Ki", "512");
  check_text("1.1Ki", "1126400m");
  check_text("0.1n", "1n");
  check_text("0.0000000001", "1n");
  check_text("-0.0000000001", "-1n");
  check_text("1.500", "1.500");
  check_text("10.035", "10.035");
  check_text("1.0000000000000000001", "1000000001n");
  check_text("9223372036854775808", "9223372036854775808");
  check_text("8Ei", "9223372036854775807");
  check_text("-100Ei", "-9223372036854775807");
  check_text("123456789012345678901234567890", "123456789012345678901234567890");
  check_text("1e1000", "10e999");
}

TEST(Quantity, RefusesWhatIsNone) {
  for (std::string_view text : {"", "a", "1x", "1mm", "1 ", " 1", "1.1.1", "1Kii", "1e", "1ee3", "0x10", "1e1.5", "--1", "1K", "1_0", "1e99999999999",
                                "1000000e999999999", "Mi-"})
    check_text(text, "refused");
}

void check_values(std::string_view text, int64_t value, int64_t milli) {
  const auto q = Quantity::parse(text);
  ASSERT_TRUE(q) << text;
  EXPECT_EQ(q->value(), value) << text;
  EXPECT_EQ(q->milli_value(), milli) << text;
}

TEST(Quantity, ValuesRoundAwayFromZeroAndSaturate) {
  check_values("1500m", 2, 1500);
  check_values("-1500m", -2, -1500);
  check_values("1n", 1, 1);
  check_values("1Gi", 1073741824, 1073741824000);
  check_values("8E", 8000000000000000000, INT64_MAX);
  check_values("1e1000000", INT64_MAX, INT64_MAX);
  check_values("-1e1000000", INT64_MIN, INT64_MIN);
  check_values("0", 0, 0);
}

void check_order(std::string_view a, std::string_view b, std::strong_ordering want) {
  const auto x = Quantity::parse(a), y = Quantity::parse(b);
  ASSERT_TRUE(x && y);
  EXPECT_TRUE(x->compare(*y) == want) << a << " " << b;
  EXPECT_TRUE(y->compare(*x) == 0 <=> want) << a << " " << b;
}

TEST(Quantity, Compares) {
  check_order("1", "1000m", std::strong_ordering::equal);
  check_order("1Ki", "1024", std::strong_ordering::equal);
  check_order("1Ki", "1k", std::strong_ordering::greater);
  check_order("-1", "1", std::strong_ordering::less);
  check_order("-2", "-1", std::strong_ordering::less);
  check_order("0", "-1n", std::strong_ordering::greater);
  check_order("1e999999999", "1e999999998", std::strong_ordering::greater);
  check_order("123456789012345678901234567890", "123456789012345678901234567891", std::strong_ordering::less);
}

void check_sum(std::string_view a, std::string_view b, std::string_view sum, std::string_view difference) {
  const auto x = Quantity::parse(a), y = Quantity::parse(b);
  ASSERT_TRUE(x && y);
  EXPECT_EQ((*x + *y).text(), sum) << a << " + " << b;
  EXPECT_EQ((*x - *y).text(), difference) << a << " - " << b;
}

TEST(Quantity, AddsExactlyInTheLeftFormat) {
  check_sum("1", "500m", "1500m", "500m");
  check_sum("1Gi", "512Mi", "1536Mi", "512Mi");
  check_sum("1Gi", "1G", "2073741824", "73741824");
  check_sum("0", "1Ki", "1Ki", "-1Ki");
  check_sum("100m", "100m", "200m", "0");
  check_sum("-1", "3", "2", "-4");
  check_sum("999999999999999999", "1", "1E", "999999999999999998");
  check_sum("1e999999999", "1", "1e999999999", "1e999999999");
}

TEST(Quantity, FromNumbers) {
  EXPECT_EQ(Quantity::from_int(1000).text(), "1k");
  EXPECT_EQ(Quantity::from_int(INT64_MIN).text(), "-9223372036854775808");
  EXPECT_EQ(Quantity::from_milli(1500).text(), "1500m");
  EXPECT_EQ(Quantity::from_milli(2000).text(), "2");
  EXPECT_EQ(Quantity().text(), "0");
  EXPECT_EQ(Quantity::from_int(-3).sign(), -1);
}

}  // namespace
}  // namespace pintle::api

// Readers of texts: literals, times, URLs.
#include <gtest/gtest.h>

#include <cmath>

#include "apimachinery/cel/library/urls.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/text.h"
#include "apimachinery/cel/time_value.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::cel {
namespace {

TEST(CelReaders, Doubles) {
  EXPECT_EQ(parse_double("1.5e3"), 1500.0);
  EXPECT_EQ(parse_double("-.5"), -0.5);
  EXPECT_TRUE(std::isnan(*parse_double("NaN")));
  EXPECT_TRUE(std::isinf(*parse_double("-Inf")));
  EXPECT_EQ(parse_double("1e-400"), 0.0);
  for (const char* bad : {"", "x", "1e400", "1.2.3", "--1", "0x1p", "1 "}) EXPECT_FALSE(parse_double(bad)) << bad;
  EXPECT_EQ(double_text(1e6), "1e+06");
  EXPECT_EQ(double_text(100000), "100000");
  EXPECT_EQ(double_text(0.0001), "0.0001");
  EXPECT_EQ(double_text(0.00001), "1e-05");
}

TEST(CelReaders, Literals) {
  const auto content = [](std::string_view text, bool is_bytes = false) {
    std::string out;
    return unquote(text, is_bytes, out) ? std::string("?") : out;
  };
  EXPECT_EQ(content(R"('a\n\x41\u00e9\101')"), "a\nAéA");
  EXPECT_EQ(content(R"(r'\d')"), "\\d");
  EXPECT_EQ(content(R"("""a"b""")"), "a\"b");
  EXPECT_EQ(content(R"(b'\xff')", true), "\xff");
  EXPECT_EQ(content(R"('\xff')"), "ÿ");
  for (const char* bad : {R"('\ud800')", R"('\U00110000')", R"('\q')"}) EXPECT_EQ(content(bad), "?") << bad;
  EXPECT_TRUE(codec::is_valid_utf8("aé漢"));
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82"}) EXPECT_FALSE(codec::is_valid_utf8(bad));
}

TEST(CelReaders, Times) {
  const auto round = [](std::string_view text) {
    const auto time = parse_timestamp(text);
    return time ? timestamp_text(*time) : std::string("?");
  };
  EXPECT_EQ(round("2024-02-29T23:59:59.25Z"), "2024-02-29T23:59:59.25Z");
  EXPECT_EQ(round("2024-02-29T23:59:59-07:30"), "2024-02-29T23:59:59-07:30");
  EXPECT_EQ(round("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
  for (const char* bad : {"2023-02-29T00:00:00Z", "2024-1-1T00:00:00Z", "2024-01-01", "2024-01-01T24:00:00Z", "0001-01-01T00:00:00+01:00",
                          "9999-12-31T23:59:59-01:00", "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z"})
    EXPECT_EQ(round(bad), "?") << bad;
  EXPECT_EQ(parse_duration_text("1h1m1.5s"), 3'661'500'000'000);
  EXPECT_FALSE(parse_duration_text("1 h"));
  EXPECT_EQ(duration_text(-1'500'000'000), "-1.5s");
}

TEST(CelReaders, Urls) {
  const auto url = parse_request_url("HTTPS://u:p@[::1]:8080/a b/%2F?x=1#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "[::1]:8080");
  EXPECT_EQ(url->escaped_path, "/a%20b/%2F");
  EXPECT_EQ(url->query, "x=1");
  for (const char* good : {"/", "/a", "mailto:a@b", "x:"}) EXPECT_TRUE(parse_request_url(good)) << good;
  for (const char* bad : {"", "a/b", ":a", "http://a:b/", "http://[::1/", "/%zz", "/a\n", "http://a b/"}) EXPECT_FALSE(parse_request_url(bad)) << bad;
}

}  // namespace
}  // namespace pintle::apimachinery::cel

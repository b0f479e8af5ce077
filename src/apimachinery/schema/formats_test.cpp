#include <gtest/gtest.h>

#include "apimachinery/schema/formats.h"

namespace pintle::apimachinery::schema {
namespace {

struct Case {
  std::string_view format;
  std::vector<std::string_view> good, bad;
};

TEST(Formats, HoldAsUpstreamHasThem) {
  const Case cases[] = {
      {"bsonobjectid", {"507f1f77bcf86cd799439011"}, {"507f1f77bcf86cd79943901", "507f1f77bcf86cd79943901g", ""}},
      {"uri",
       {"http://a.b/c?d#e", "/a/b", "mailto:x@y", "https://u:p@[::1]:80/x", "http://a:/", "*", "x:y", "http:///x"},
       {"", "a/b", "//%", ":x", "http://a:b/", "http://[::1", "http://a b/", "http://a%20b", "/%zz", "http://[1.2.3.4]/", "a\x01"}},
      {"email",
       {"a@b.c", "A B <a@b.c>", "\"a b\"@c", "<a@b>", "a.b+c@d-e.f", "\"x\" (note) <a@b> (more (deep))", "a@[10.0.0.1]", "J. Doe <j@d.e>"},
       {"", "a", "@b", "a@", "a@b c", "a..b@c", ".a@b", "a b@c", "<a@b", "a@b (x", "\"\"@b", "a@b,c@d"}},
      {"hostname", {"a", "a.bc", "a-b.example.com", "1a.example.com"}, {"", "-a", "a.b", "a_b", "a..bc", "a.b1"}},
      {"ipv4", {"1.2.3.4", "01.2.3.4"}, {"1.2.3", "::1", "1.2.3.256", ""}},
      {"ipv6", {"::1", "2001:db8::1", "::ffff:1.2.3.4"}, {"1.2.3.4", ":::", "::1%eth0"}},
      {"cidr", {"10.0.0.0/8", "10.0.0.1/8", "2001:db8::/32"}, {"10.0.0.0", "10.0.0.0/33", "x/8"}},
      {"mac",
       {"01:23:45:67:89:ab", "01-23-45-67-89-AB", "0123.4567.89ab", "01:23:45:67:89:ab:cd:ef"},
       {"01:23:45:67:89", "01:23:45:67:89-ab", "0123.4567.89a", "01:23:45:67:89:ag", "0123:4567:89ab:"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000", "123E4567-E89B-12D3-A456-426614174000"},
       {"123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b--12d3-a456-426614174000", "g23e4567-e89b-12d3-a456-426614174000",
        "123e4567-e89b-12d3-a456-426614174000-"}},
      {"uuid3", {"123e4567-e89b-32d3-0456-426614174000"}, {"123e4567-e89b-42d3-a456-426614174000"}},
      {"uuid4", {"123e4567-e89b-42d3-a456-426614174000"}, {"123e4567-e89b-42d3-c456-426614174000", "123e4567-e89b-12d3-a456-426614174000"}},
      {"uuid5", {"123e4567-e89b-52d3-B456-426614174000"}, {"123e4567-e89b-42d3-a456-426614174000"}},
      {"isbn", {"0321751043", "978-0321751041"}, {"0321751042", "978-0321751042", "x"}},
      {"isbn10", {"0-321-75104-3", "080442957X"}, {"978-0321751041", "080442957Y"}},
      {"isbn13", {"978 0321751041"}, {"0321751043"}},
      {"creditcard", {"4111-1111-1111-1111", "5555 5555 5555 4444"}, {"4111-1111-1111-1112", "1234", ""}},
      {"ssn", {"111-11-1111", "111 11 1111"}, {"111111111", "111-11-111a", ""}},
      {"hexcolor", {"#FFF", "ffffff", "#a0B1c2"}, {"#FF", "#ggg", ""}},
      {"rgbcolor", {"rgb(0,0,0)", "rgb( 255 , 1,20 )"}, {"rgb(256,0,0)", "rgb(0,0)", "rgba(0,0,0)", "rgb(01,0,0)"}},
      {"byte", {"aGVsbG8=", "YQ==", "YWJj"}, {"", "a", "a===", "YQ=", "Y_=="}},
      {"password", {"", "x"}, {}},
      {"date", {"2026-01-31", "2024-02-29", "0000-01-01"}, {"2026-1-31", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "x", "2026-01-31T"}},
      {"duration", {"1h2m", "22 ns", "3 days", "1.5s", "5 Weeks and more", "0"}, {"", "x", "5", "5 parsecs", "99999999999999999999 s"}},
      {"date-time",
       {"2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20z", "2014-12-15T19:30:20+01:00"},
       {"2014-12-15", "2014-12-15T24:30:20Z", "2014-12-15T19:60:20Z", "2014-12-15T19:30:20", "2014-12-32T19:30:20Z", "x"}},
      {"k8s-short-name", {"a", "a-1", "0"}, {"", "A", "-a", "a.b", "a_"}},
      {"k8s-long-name", {"a", "a.b-c.0"}, {"", "a..b", "A", "a.", ".a"}},
  };
  for (const Case& c : cases) {
    const StringFormat check = find_string_format(c.format);
    ASSERT_NE(check, nullptr) << c.format;
    for (const std::string_view text : c.good) EXPECT_TRUE(check(text)) << c.format << " " << text;
    for (const std::string_view text : c.bad) EXPECT_FALSE(check(text)) << c.format << " " << text;
  }
}

TEST(Formats, OthersAreNotEnforced) {
  for (const std::string_view format : {"", "int32", "double", "regex", "uuid6", "x"}) EXPECT_EQ(find_string_format(format), nullptr) << format;
  EXPECT_EQ(find_string_format("datetime"), find_string_format("date-time"));
  EXPECT_EQ(find_string_format(std::string(1 << 20, '-')), nullptr);
}

TEST(Formats, KnowTheirLengths) {
  EXPECT_TRUE(find_string_format("k8s-short-name")(std::string(63, 'a')));
  EXPECT_FALSE(find_string_format("k8s-short-name")(std::string(64, 'a')));
  EXPECT_TRUE(find_string_format("k8s-long-name")(std::string(253, 'a')));
  EXPECT_FALSE(find_string_format("k8s-long-name")(std::string(254, 'a')));
  EXPECT_FALSE(find_string_format("hostname")(std::string(64, 'a') + ".com"));
}

}  // namespace
}  // namespace pintle::apimachinery::schema

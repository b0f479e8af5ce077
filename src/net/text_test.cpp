#include "net/text.h"

#include <gtest/gtest.h>

#include "net/http_date.h"
#include "net/media_type.h"
#include "net/url.h"

namespace pintle::net {
namespace {

std::string join(const std::vector<std::string_view>& parts) {
  std::string out;
  for (auto part : parts) out.append("[").append(part).append("]");
  return out;
}

TEST(Text, Lists) {
  EXPECT_EQ(join(split_list("a, b ,,c")), "[a][b][c]");
  EXPECT_EQ(join(split_list("a;x=\"1,2\", b")), "[a;x=\"1,2\"][b]");
  EXPECT_EQ(join(split_list("\"open, never closed")), "[\"open, never closed]");
  EXPECT_EQ(join(split_list("\"\\")), "[\"\\]");
  EXPECT_EQ(join(split_list("")), "");
  EXPECT_TRUE(list_has("keep-alive, Upgrade", "upgrade"));
  EXPECT_FALSE(list_has("upgraded", "upgrade"));
}

TEST(Text, Base64) {
  const std::pair<std::string, std::string> table[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"\xff\xfe\xfd\xfc", "//79/A=="}};
  for (const auto& [text, want] : table) EXPECT_EQ(base64(text), want);
}

TEST(Url, PercentDecoding) {
  const std::pair<std::string, std::optional<std::string>> table[] = {
      {"a%2Fb", "a/b"},    {"%e4%bd", "\xe4\xbd"}, {"a+b", "a+b"},        {"", ""},
      {"%", std::nullopt}, {"%2", std::nullopt},   {"%zz", std::nullopt}, {"%2x", std::nullopt}};
  for (const auto& [text, want] : table) EXPECT_EQ(percent_decode(text), want) << text;
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_encode("a b/c~é"), "a%20b%2Fc~%C3%A9");
}

TEST(Url, Queries) {
  const auto query = parse_query("b=2&a=1&a=3&flag&=x&c=%20+d&bad=%zz&semi;colon=1&&e=f=g");
  EXPECT_EQ(query_get(query, "a"), "1");
  EXPECT_EQ(query.find("a")->second.size(), 2u);
  EXPECT_TRUE(query.contains("flag"));
  EXPECT_EQ(query_get(query, "c"), "  d");
  EXPECT_EQ(query_get(query, "e"), "f=g");
  EXPECT_EQ(query_get(query, ""), "x");
  EXPECT_FALSE(query.contains("bad"));
  EXPECT_EQ(query.size(), 6u);
  EXPECT_EQ(format_query({{"a", {"1", "x y"}}, {"b", {""}}}), "a=1&a=x%20y&b=");
}

std::string take_apart(std::string_view text) {
  auto url = parse_url(text);
  if (!url) return "error";
  return url->scheme + "|" + url->host + "|" + std::to_string(url->port) + "|" + url->target + "|" + url->authority;
}

TEST(Url, Absolute) {
  const std::pair<std::string, std::string> table[] = {
      {"https://h", "https|h|443|/|h"},
      {"HTTP://h:8080/a?b#c", "http|h|8080|/a?b|h:8080"},
      {"https://[::1]:6443/x", "https|::1|6443|/x|[::1]:6443"},
      {"https://h?x=1", "https|h|443|/?x=1|h"},
      {"unix:/run/a.sock:/v1/x", "unix|/run/a.sock|0|/v1/x|localhost"},
      {"unix:/run/a.sock", "unix|/run/a.sock|0|/|localhost"},
      {"ftp://h", "error"},
      {"h", "error"},
      {"https://", "error"},
      {"https://h:x", "error"},
      {"https://h:70000", "error"},
      {"https://u@h", "error"},
      {"https://h/a b", "error"},
      {"https://[::1", "error"},
      {"unix:", "error"},
  };
  for (const auto& [text, want] : table) EXPECT_EQ(take_apart(text), want) << text;
}

std::string clauses(std::string_view header) {
  std::string out;
  for (const auto& clause : parse_accept(header)) {
    out += clause.media.essence();
    for (const auto& [name, value] : clause.media.parameters) out += ";" + name + "=" + value;
    out += " ";
  }
  return out;
}

TEST(MediaType, Accept) {
  const std::pair<std::string, std::string> table[] = {
      {"", "*/* "},
      {"application/json", "application/json "},
      {"application/json;as=Table;v=v1;g=meta.k8s.io, application/json", "application/json;as=Table;v=v1;g=meta.k8s.io application/json "},
      {"text/html;q=0.5, application/*;q=0.9, */*;q=0.9, a/b;q=0.9", "a/b application/* */* text/html "},
      {"a/b;q=0, c/d", "c/d "},
      {"a/b;q=2, nonsense, c/d;x=\"1;2\"", "c/d;x=1;2 "},
      {"*", "*/* "},
      {"application/vnd.kubernetes.protobuf;stream=watch,application/json;q=0.1",
       "application/vnd.kubernetes.protobuf;stream=watch application/json "},
  };
  for (const auto& [header, want] : table) EXPECT_EQ(clauses(header), want) << header;
}

TEST(MediaType, Parse) {
  auto type = parse_media_type("Application/JSON; Charset=\"utf-8\";");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->essence(), "application/json");
  EXPECT_EQ(type->parameter("charset"), "utf-8");
  for (std::string_view bad : {"", "json", "a/b/c", "a/b;x", "a/b;=1", "a/b;x=\"1", "a/ b c"}) EXPECT_FALSE(parse_media_type(bad)) << bad;
}

TEST(MediaType, Encodings) {
  EXPECT_TRUE(accepts_encoding("gzip, deflate", "gzip"));
  EXPECT_TRUE(accepts_encoding("*", "gzip"));
  EXPECT_FALSE(accepts_encoding("gzip;q=0, *", "gzip"));
  EXPECT_FALSE(accepts_encoding("", "gzip"));
  EXPECT_FALSE(accepts_encoding("identity", "gzip"));
}

TEST(HttpDate, RoundTrip) {
  const std::string text = "Sun, 06 Nov 1994 08:49:37 GMT";
  auto time = parse_http_date(text);
  ASSERT_TRUE(time);
  EXPECT_EQ(time->time_since_epoch(), std::chrono::seconds(784111777));
  EXPECT_EQ(format_http_date(*time), text);
  for (std::string_view bad :
       {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

}  // namespace
}  // namespace pintle::net

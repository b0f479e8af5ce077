#include "codec/json.h"

#include <gtest/gtest.h>

#include "codec/json_text.h"
#include "codec/limits.h"

namespace pintle::codec {
namespace {

// What Go's decoder and encoder make of a text; "" where it is refused.
void check_json(std::string_view text, std::string_view want) {
  const auto value = parse_json(text);
  EXPECT_EQ(value ? to_json(*value) : "", want) << text;
}

TEST(Json, ReadsAndWritesAsGo) {
  check_json(R"( {"b":1,"a":[true,false,null]} )", R"({"a":[true,false,null],"b":1})");
  check_json(R"({"a":1,"a":2})", R"({"a":2})");
  check_json("1.0", "1");
  check_json("1e3", "1000");
  check_json("-0", "0");
  check_json("9223372036854775807", "9223372036854775807");
  check_json("9223372036854775808", "9223372036854776000");
  check_json("1e21", "1e+21");
  check_json("1e20", "100000000000000000000");
  check_json("0.000001", "0.000001");
  check_json("0.0000001", "1e-7");
  check_json("123456.789", "123456.789");
  check_json("1e-400", "0");
  check_json(R"("<>&\u2028\u2029")", R"("\u003c\u003e\u0026\u2028\u2029")");
  check_json(R"("\b\f\n\r\t\u0001\"\\\/")", R"("\b\f\n\r\t\u0001\"\\/")");
  check_json(R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\"");
  check_json(R"("\ud83dx")", "\"\xEF\xBF\xBDx\"");
  check_json(R"("\ude00\ud83d")", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  check_json("\"a\xFF\xC3(\"", "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\"");
  check_json("\"\xED\xA0\x80\"", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (std::string_view text :
       {"",    " ",     "{",     "}",         "[1,]",  "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",   "01",          "1.",
        ".5",  "+1",    "-",     "1e",        "1e+",   "tru",  "nul",     "nullx",    "\"",         "\"\\x\"", "\"\\u12g4\"", "\"\n\"",
        "1 2", "{} {}", "[1 2]", "{\"a\" 1}", "1e400", "'a'",  "\"\\"})
    check_json(text, "");
}

TEST(Json, SaysWhere) {
  EXPECT_EQ(parse_json("{\"a\": x}").error().message, "invalid JSON at offset 6: expected a value, found \"x\"");
  EXPECT_EQ(parse_json("[1,2 ").error().message, "invalid JSON at offset 5: the text ends where it needs a value or ']'");
  EXPECT_EQ(parse_json("[1] x").error().message, "invalid JSON at offset 4: expected the end of the text, found \"x\"");
}

std::string nested(int depth) { return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']'); }

TEST(Json, DepthHasALimit) {
  EXPECT_TRUE(parse_json(nested(nesting_max)));
  EXPECT_FALSE(parse_json(nested(nesting_max + 1)));
  JsonReader reader("");
  const std::string deep = nested(nesting_max + 1);
  EXPECT_FALSE(JsonReader(deep).skip_value());
}

TEST(Json, ReportsDuplicates) {
  std::vector<std::string> duplicates;
  ASSERT_TRUE(parse_json(R"({"z":1,"a":{"x":1,"y":[{"k":1,"k":2}],"x":3},"z":2,"z":3})", &duplicates));
  EXPECT_EQ(duplicates, (std::vector<std::string>{R"(duplicate field "a.y[0].k")", R"(duplicate field "a.x")", R"(duplicate field "z")"}));
}

TEST(Json, LargeUnsortedObjectIsNotQuadratic) {
  std::string text = "{";
  for (int i = 200000; i > 0; --i) text += "\"" + std::to_string(i) + "\":1,";
  text.back() = '}';
  const auto value = parse_json(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->as_object().size(), 200000u);
}

TEST(Json, Pretty) {
  EXPECT_EQ(pretty_json(R"({"a":[],"b":{},"c":[1,{"d":"x, {}"}]})"),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"x, {}\"\n    }\n  ]\n}");
}

TEST(Json, Compact) {
  EXPECT_EQ(compact_json("{ \"a b\" : [ 1 , \"<\\\" \" ] }\n"), "{\"a b\":[1,\"<\\\" \"]}");
  std::string out;
  append_compact_json("[ \"<\xE2\x80\xA8\" ]", out);
  EXPECT_EQ(out, "[\"\\u003c\\u2028\"]");
}

TEST(Json, GoQuote) { EXPECT_EQ(go_quote("a\"b\\\n\x01\x7F\xFF\xC3\xA9\xC2\xA0"), "\"a\\\"b\\\\\\n\\x01\\x7f\\xff\xC3\xA9\\u00a0\""); }

// Strings are looked at in blocks: what is escaped is so wherever it stands.
TEST(JsonText, EscapesAtAnyPlace) {
  for (int c = 0; c < 0x100; ++c) {
    const std::string one(1, static_cast<char>(c));
    std::string alone;
    append_json_string(one, alone);
    alone = alone.substr(1, alone.size() - 2);
    EXPECT_EQ(alone == one, c >= 0x20 && c < 0x80 && one.find_first_of("\"\\<>&") == std::string::npos) << c;
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'a');
      text[at] = static_cast<char>(c);
      std::string got;
      append_json_string(text, got);
      EXPECT_EQ(got, '"' + std::string(at, 'a') + alone + std::string(39 - at, 'a') + '"') << c << " at " << at;
    }
  }
}

TEST(JsonText, ValuesAreCountedOutsideStrings) {
  EXPECT_EQ(json_values_max("1"), 0u);
  EXPECT_EQ(json_values_max(R"("a,[{")"), 0u);
  EXPECT_EQ(json_values_max(R"("\\",1)"), 1u);
  EXPECT_EQ(json_values_max(R"({"a\",":[1,2],"b":{}})"), 5u);
}

}  // namespace
}  // namespace pintle::codec

#include "codec/yaml.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::codec {
namespace {

// The JSON that sigs.k8s.io/yaml makes of a text; "" where it is refused.
void check_read(std::string_view yaml, std::string_view want) {
  const auto value = parse_yaml(yaml);
  EXPECT_EQ(value ? to_json(*value) : "", want) << yaml;
}

// The YAML that it makes of a JSON text, and that the text reads back the same.
void check_write(std::string_view json, std::string_view want) {
  const auto value = parse_json(json);
  ASSERT_TRUE(value) << json;
  const std::string yaml = to_yaml(*value);
  EXPECT_EQ(yaml, want) << json;
  const auto back = parse_yaml(yaml);
  ASSERT_TRUE(back) << yaml << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(*value)) << yaml;
}

TEST(Yaml, PlainScalarsAreYaml11) {
  check_read("a: yes\nb: No\nc: ON\nd: oFF\ne: y\nf: ~\ng:\nh: Null",
             R"({"a":true,"b":false,"c":true,"d":"oFF","e":true,"f":null,"g":null,"h":null})");
  check_read("a: 0777\nb: 0o17\nc: 08\nd: +1\ne: 12:30:45\nf: 2001-01-01\ng: 1_000\nh: 0x1F\ni: 0b11",
             R"({"a":511,"b":15,"c":8,"d":1,"e":"12:30:45","f":"2001-01-01","g":1000,"h":31,"i":3})");
  check_read("a: 1.5\nb: .5\nc: 1e3\nd: 1.\ne: 1.5.2\nf: -x", R"({"a":1.5,"b":0.5,"c":1000,"d":1,"e":"1.5.2","f":"-x"})");
  check_read("a: 'yes'\nb: \"1\"\nc: !!str 1\nd: !!float 1", R"({"a":"yes","b":"1","c":"1","d":1})");
  check_read("a: !!int x", "");
  check_read("a: .inf", "");
}

TEST(Yaml, KeysBecomeStrings) {
  check_read("1: x\ntrue: v\n1.5: z\n'q': w", R"({"1":"x","1.5":"z","q":"w","true":"v"})");
  check_read("~: x", "");
  check_read("[a]: x", "");
  check_read("{a: 1}: x", "");
}

TEST(Yaml, Structures) {
  check_read("- a\n-  b: 1\n   c: 2\n- - x\n  - z", R"(["a",{"b":1,"c":2},["x","z"]])");
  check_read("a:\n- 1\n- 2\nb: [1, {c: d}, ]", R"({"a":[1,2],"b":[1,{"c":"d"}]})");
  check_read("a: |\n  text\n   more\n\nb: >-\n  fold\n  ed\n\n  para\nc: |+\n  x\n\n", R"({"a":"text\n more\n","b":"fold ed\npara","c":"x\n\n"})");
  check_read("a: \"esc \\n \\x41 \\u263a\"\nb: 'it''s'", "{\"a\":\"esc \\n A \xE2\x98\xBA\",\"b\":\"it's\"}");
  check_read("? a\n: b\n? c\n", R"({"a":"b","c":null})");
  check_read("a: [b, c: d]\ne: {f: , g}", R"({"a":["b",{"c":"d"}],"e":{"f":null,"g":null}})");
  check_read("a: one\n  two\n\n  three # c\nb: \"x\n  y\\\n  z\"", R"({"a":"one two\nthree","b":"x yz"})");
  check_read("--- # c\na: 1\n...\nrest", R"({"a":1})");
  check_read("k:\n  - b:\n      c\n  -\n    d: 1", R"({"k":[{"b":"c"},{"d":1}]})");
  check_read("a: ': s t''p: x'\n'it''s': {'''': 1}", R"({"a":": s t'p: x","it's":{"'":1}})");
  check_read("", "null");
  check_read("# only this\n", "null");
  check_read(R"({"kind":"Pod","n":1})", R"({"kind":"Pod","n":1})");
}

TEST(Yaml, AnchorsAndMerge) {
  check_read("a: &x {k: v}\nb: *x\nc:\n  <<: *x\n  z: 1", R"({"a":{"k":"v"},"b":{"k":"v"},"c":{"k":"v","z":1}})");
  check_read("<<: [{a: 1}, {a: 2, b: 3}]", R"({"a":1,"b":3})");
  check_read("a: *nope", "");
  check_read("a: &x [*x]", "");
  check_read("<<: 1", "");
}

TEST(Yaml, AliasesCannotBlowUp) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k == 0 ? "" : ",") + last;
    bomb += "]\n";
  }
  EXPECT_FALSE(parse_yaml(bomb));
}

TEST(Yaml, RefusesWhatIsNoYaml) {
  for (std::string_view text :
       {"a: [1,", "a: b: c", "\ta: 1", "a: 'x", "a: \"x", "a: a\nb\n", "%", "a: @x", "a: \x01", "a: \xFF", "- a\nb: c", "a: {b", "[a, b}", "&x: *x"})
    check_read(text, "");
}

TEST(Yaml, ReportsDuplicates) {
  const auto told = [](std::string_view text) {
    std::vector<std::string> duplicates;
    EXPECT_TRUE(parse_yaml(text, &duplicates)) << text;
    return duplicates;
  };
  using Lines = std::vector<std::string>;
  EXPECT_EQ(told("a: 1\nc: 2\nb: 3\n"), Lines());
  EXPECT_EQ(told("a:\n- k: 1\n  k: 2\nb: 1\nb: 2\n"), (Lines{R"(line 3: key "k" already set in map)", R"(line 5: key "b" already set in map)"}));
  // A value's line is where it begins; what is inside it comes first.
  EXPECT_EQ(told("m:\n  k: a\nm:\n  k: a\n  k: b\nd:\n  b: |\n    x\n  b: |\n    x\n    y\n"),
            (Lines{R"(line 5: key "k" already set in map)", R"(line 4: key "m" already set in map)", R"(line 9: key "b" already set in map)"}));
  EXPECT_EQ(told("{\"a\":1,\n\"a\":\n2}"), Lines{R"(line 3: key "a" already set in map)"});
  EXPECT_EQ(told("1: a\n1: b\ntrue: a\ntrue: b\n\"x\\\"\": 1\n\"x\\\"\": 1\n"),
            (Lines{"line 2: key 1 already set in map", "line 4: key true already set in map", R"(line 6: key "x\"" already set in map)"}));
  // What "<<" brings is not written twice.
  EXPECT_EQ(told("x: &x {a: 1}\ny:\n  <<: *x\n  a: 2\n"), Lines());
  EXPECT_EQ(told("x: &x {a: 1}\ny:\n  b: 1\n  <<: *x\n  a: 2\n  b: 3\n"), Lines{R"(line 6: key "b" already set in map)"});
  EXPECT_EQ(yaml_errors({"line 1: a", "line 2: b"}), "yaml: unmarshal errors:\n  line 1: a\n  line 2: b");
}

TEST(Yaml, WritesAsGoYaml) {
  check_write(R"({"b":[1,{"x":[]}],"a":{},"c":null,"d":true})", "a: {}\nb:\n- 1\n- x: []\nc: null\nd: true\n");
  check_write(R"({"a10":1,"a9":2,"a":3,"B":4,"1":5})", "\"1\": 5\nB: 4\na: 3\na9: 2\na10: 1\n");
  check_write(
      R"(["yes","1","","~","0x1","1:30","a: b","- a","#x","a #b","x:","it's","<<","2001-01-01"])",
      "- \"yes\"\n- \"1\"\n- \"\"\n- \"~\"\n- \"0x1\"\n- \"1:30\"\n- 'a: b'\n- '- a'\n- '#x'\n- 'a #b'\n- 'x:'\n- it's\n- <<\n- \"2001-01-01\"\n");
  check_write(R"(["a\nb","a\nb\n","a\n\n","\na"," x","x ","a \nb","tab\t"])",
              "- |-\n  a\n  b\n- |\n  a\n  b\n- |+\n  a\n\n- |2-\n\n  a\n- ' x'\n- 'x '\n- \"a \\nb\"\n- \"tab\\t\"\n");
  check_write(R"({"m":{"k":"a\nb"}})", "m:\n  k: |-\n    a\n    b\n");
  check_write(R"([[1,[2]],{"a":[{"b":1}]}])", "- - 1\n  - - 2\n- a:\n  - b: 1\n");
  check_write(R"([0.5,1e21,1e-7,123456.5,1234567.5])", "- 0.5\n- 1e+21\n- 1e-07\n- 123456.5\n- 1.2345675e+06\n");
  check_write("\"\xF0\x9F\x98\x80\"", "\"\\U0001F600\"\n");
}

TEST(Yaml, FoldsPastColumn80) {
  std::string words;
  for (int i = 0; i < 20; ++i) words += i == 0 ? "words" : " words";
  std::string first, second;
  for (int i = 0; i < 14; ++i) first += i == 0 ? "words" : " words";
  for (int i = 0; i < 6; ++i) second += i == 0 ? "words" : " words";
  check_write("{\"k\":\"" + words + "\"}", "k: " + first + "\n  " + second + "\n");
}

TEST(Yaml, SplitsDocuments) {
  EXPECT_EQ(split_yaml("a: 1\n---\nb: 2\n--- # c\n# nothing\n---\nc: 3\n"), (std::vector<std::string_view>{"a: 1\n", "b: 2\n", "c: 3\n"}));
  EXPECT_EQ(split_yaml("---\na: |\n  ---\n"), (std::vector<std::string_view>{"a: |\n  ---\n"}));
  EXPECT_TRUE(split_yaml("# nothing\n").empty());
}

TEST(YamlWriter, QuotesTheMergeKey) {
  Value value;
  value["<<"] = "<<";
  const std::string text = to_yaml(value);
  EXPECT_EQ(text, "\"<<\": <<\n");
  const auto again = parse_yaml(text);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, value);
}

}  // namespace
}  // namespace pintle::codec

// Documents that are meant to take stack, memory or time out of proportion.
#include <gtest/gtest.h>

#include <string>

#include "codec/bounded_json.h"
#include "codec/cpu_testing.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/limits.h"
#include "codec/stack_testing.h"
#include "codec/yaml.h"

namespace pintle::codec {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string nested(std::string_view open, std::string_view close, int depth) {
  return repeated(open, static_cast<std::size_t>(depth)) + repeated(close, static_cast<std::size_t>(depth));
}

// Everything that walks a document, at its greatest depth.
void check_walkers(const Value& value) {
  EXPECT_EQ(nesting_of(value), nesting_max);
  const Value copy = value;
  EXPECT_EQ(copy, value);
  EXPECT_GT(memory_of(value), 0u);
  EXPECT_EQ(to_json(*parse_json(to_json(value))), to_json(value));
  EXPECT_FALSE(to_pretty_json(value).empty());
  const auto again = parse_yaml(to_yaml(value));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, value);
}

TEST(HostileDocuments, DepthHasOneLimit) {
  run_on_small_stack([] {
    for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"{\"a\":", "}"}, std::pair{"[{\"a\":", "}]"}}) {
      const bool object = open[0] == '{' || open[1] == '{';
      const int levels = open[0] == '[' && object ? 2 : 1;
      const auto text = [&](int depth) {
        return repeated(open, static_cast<std::size_t>(depth / levels)) + (object ? "{}" : "") +
               repeated(close, static_cast<std::size_t>(depth / levels));
      };
      const int innermost = object ? 1 : 0;
      const std::string deepest = text(nesting_max - innermost), too_deep = text(nesting_max - innermost + levels);
      if (levels == 1) check_walkers(*parse_json(deepest));
      EXPECT_TRUE(parse_json(deepest).has_value());
      EXPECT_EQ(parse_json(too_deep).error().http(), 400);
      EXPECT_TRUE(parse_yaml(deepest).has_value()) << parse_yaml(deepest).error().message;
      EXPECT_EQ(parse_yaml(too_deep).error().http(), 400);
    }
    for (const std::string_view open : {"[", "{\"a\":", "{a: ", "- ", "? ", "- - "}) {
      EXPECT_FALSE(parse_json(repeated(open, 1000000)).has_value()) << open;
      EXPECT_EQ(parse_yaml(repeated(open, 1000000)).error().http(), 400) << open;
    }
    std::string steps;
    for (int i = 0; i < 2000; ++i) steps += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    EXPECT_EQ(parse_yaml(steps).error().http(), 400);
  });
}

TEST(HostileDocuments, AliasesDoNotDeepen) {
  run_on_small_stack([] {
    std::string text = "a0: &a0 [x]\n";
    for (int i = 1; i < 100; ++i)
      text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " " + nested("[", "", 200) + "*a" + std::to_string(i - 1) +
              nested("]", "", 200) + "\n";
    const auto value = parse_yaml(text);
    ASSERT_FALSE(value.has_value());
    EXPECT_NE(value.error().message.find("nested deeper"), std::string::npos) << value.error().message;
  });
}

TEST(HostileDocuments, AliasesDoNotMultiply) {
  const std::string large(20000, 'x');
  // One large text, named by many; alone, in lists, by "<<", and nested anchors that each keep all that is inside.
  const std::string many = "a: &a " + large + "\nb: [" + repeated("*a,", 20000) + "]\n";
  const std::string merged = "a: &a {k: " + large + "}\nb:\n" + repeated("- <<: *a\n", 20000);
  std::string anchors;
  for (int i = 0; i < 250; ++i) anchors += "&a" + std::to_string(i) + " [";
  anchors += "\"" + repeated(large, 10) + "\"" + std::string(250, ']');
  for (const std::string& text : {many, merged, anchors}) {
    const auto value = parse_yaml(text);
    ASSERT_FALSE(value.has_value()) << text.substr(0, 40);
    EXPECT_EQ(value.error().http(), 400) << value.error().message;
  }
  // What people write with anchors stays possible.
  EXPECT_TRUE(parse_yaml("a: &a {k: " + large + "}\nb:\n" + repeated("- <<: *a\n", 50)).has_value());
}

TEST(HostileDocuments, MemoryHasALimit) {
  const std::string lists = "[" + repeated("[],", 1000000) + "[]]";
  const std::string members = [] {
    std::string out = "{";
    for (int i = 0; i < 600000; ++i) out += "\"" + std::to_string(i) + "\":0,";
    return out + "\"\":0}";
  }();
  for (const std::string& text : {lists, members}) {
    EXPECT_EQ(parse_json_within(decoded_bytes_max, text).error().http(), 413);
    EXPECT_EQ(parse_yaml(text).error().http(), 413);
    EXPECT_TRUE(parse_json(text).has_value());  // our own documents have no such limit
  }
  const std::string text = "{\"data\":\"" + std::string(3 << 20, 'x') + "\"}";
  EXPECT_TRUE(parse_json_within(decoded_bytes_max, text).has_value());
}

TEST(HostileDocuments, TimeIsLinear) {
  const std::string spaces(700000, ' ');
  const std::pair<const char*, std::string> inputs[] = {
      {"tabs behind an indented word", spaces + "a" + std::string(700000, '\t') + "b"},
      {"tabs behind indented keys", spaces + "a: " + repeated("\t", 700000)},
      {"lists full of lists", repeated(std::string(200, '[') + std::string(200, ']') + ",", 7000)},
      {"lists inside lists", "[" + repeated(std::string(200, '[') + std::string(200, ']') + ",", 7000) + "]"},
      {"lists of mappings", "[" + repeated("{a: [{b: [{c: 1}]}]},", 100000) + "]"},
      {"anchors", repeated("- &a x\n", 400000)},
      {"the same key", repeated("a: 1\n", 400000)},
      {"lines of a text", "a: |\n" + repeated(" x\n", 700000)},
      {"blank lines", "a: >\n" + repeated("\n", 2000000)},
      {"words", "a: " + repeated("x ", 1000000)},
      {"quotes", "a: '" + repeated("''", 1000000) + "'"},
  };
  for (const auto& [name, text] : inputs) {
    std::vector<std::string> duplicates;
    EXPECT_LT(cpu_seconds([&] { (void)parse_yaml(text, &duplicates); }), hostile_seconds_max) << name;
  }
}

TEST(HostileDocuments, ProblemsAreBounded) {
  const std::string key(500000, 'k');
  // One text, over and over, each time with a path as long as the document.
  for (const std::string& text :
       {"{\"" + key + "\":{" + repeated("\"a\":0,", 300000) + "\"a\":0}}", "{\"" + key + "\":[" + repeated("{\"a\":0,\"a\":0},", 100000) + "{}]}"}) {
    std::vector<std::string> duplicates;
    EXPECT_LT(cpu_seconds([&] { EXPECT_TRUE(parse_json(text, &duplicates).has_value()); }), hostile_seconds_max);
    EXPECT_FALSE(duplicates.empty());
    std::size_t bytes = 0;
    for (const std::string& d : duplicates) bytes += d.size();
    EXPECT_LE(bytes, 2u << 20);
  }
}

}  // namespace
}  // namespace pintle::codec

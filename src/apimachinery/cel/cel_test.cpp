#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "apimachinery/cel/check.h"
#include "apimachinery/cel/parser.h"
#include "codec/cpu_testing.h"
#include "codec/stack_testing.h"

namespace pintle::apimachinery::cel {
namespace {

constexpr std::size_t expression_size_max = 100'000;

bool parses(std::string_view expression) {
  Tree tree;
  std::vector<Issue> issues;
  return parse(expression, {}, tree, issues);
}
void check_parse(std::string_view expression, bool good) { EXPECT_EQ(parses(expression), good) << expression; }

TEST(Cel, Syntax) {
  for (const char* good : {"true",
                           "a.b.c",
                           "a[0].b['x']",
                           "!a && -b > 1",
                           "a ? b : c ? d : e",
                           "[1, 2u, 3.5e2,]",
                           "{'a': 1, 'b': [2]}",
                           "has(a.b)",
                           "a.all(x, x > 0)",
                           "r'\\d'",
                           "b\"\\x41\"",
                           "'''a\n'b'''",
                           "a in b",
                           "Object{spec: Object.spec{replicas: 1}}",
                           "a.?b.orValue(1)",
                           "a[?0]",
                           "// why\n a",
                           ".a.b",
                           "((((1))))",
                           "0xFFu",
                           "a - -1",
                           "!!a",
                           "f()"})
    check_parse(good, true);
  for (const char* bad : {"", "Not Valid!", "a b", "a.", "(a", "[1, 2", "'abc", "'\\q'", "a &&", "a ? b", "1 +", "a in", "while", "f(a,)", "a..b",
                          "#", "&a", "{'a'}", "'a\nb'"})
    check_parse(bad, false);
  check_parse(std::string(1000, '('), false);
  check_parse(std::string(expression_size_max + 1, 'a'), false);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Cel, NestingHasALimit) {
  codec::run_on_small_stack([] {
    static constexpr std::array<std::string_view, 1> variables{"a"};
    const auto good = [](const std::string& expression) { return check(expression, {variables, ResultType::Any}).has_value(); };
    // Chains and what nests, as long as an expression may be.
    for (const std::string_view open : {"(", "[", "{1:", "!", "-", "a[", "a.b(", "f(", "a ? a : ", "a.all(x, ", "true ? [", "a.b{c:"})
      EXPECT_FALSE(good(repeated(open, expression_size_max / open.size()))) << open;
    for (const std::string_view link : {"+ 1 ", "* 1 ", "== 1 ", "in 1 "}) EXPECT_FALSE(good("1 " + repeated(link, 20000))) << link;
    for (const std::string_view link : {".b", "[1]", ".b()", ".?b"}) EXPECT_FALSE(good("a" + repeated(link, 20000))) << link;
    EXPECT_FALSE(good(repeated("(", 200) + "a" + repeated(".b", 500) + repeated(")" + repeated(".b", 20), 200)));
    // What is as deep as it may be, and conditions in a row, which do not nest.
    EXPECT_TRUE(good(repeated("(", 120) + "a" + repeated(")", 120)));
    EXPECT_TRUE(good("1 " + repeated("+ 1 ", tree_depth_max - 1)));
    EXPECT_TRUE(good("a" + repeated(".b", tree_depth_max - 1)));
    EXPECT_TRUE(good("a.b " + repeated("&& a.b ", 10000)));
    EXPECT_TRUE(good("a.b " + repeated("|| a.b && a.c ", 5000)));
    EXPECT_FALSE(good("a.b " + repeated("&& a.b ", 1000) + "&& 1"));
  });
}

TEST(Cel, ManyNamesInADeepScope) {
  static constexpr std::array<std::string_view, 1> variables{"a"};
  std::string expression;
  for (int i = 0; i < 100; ++i) expression += "a.map(v" + std::to_string(i) + ", ";
  expression += "[" + repeated("a,", 45000) + "a]" + repeated(")", 100);
  ASSERT_LE(expression.size(), expression_size_max);
  EXPECT_LT(codec::cpu_seconds([&] {
              for (int i = 0; i < 10; ++i) EXPECT_TRUE(check(expression, {variables, ResultType::Any}).has_value());
            }),
            codec::hostile_seconds_max);
}

TEST(Cel, NamesAndResults) {
  static constexpr std::array<std::string_view, 2> variables{"object", "request"};
  const auto expect = [&](std::string_view expression, ResultType wanted, bool good) {
    const Scope environment{variables, wanted};
    EXPECT_EQ(check(expression, environment).has_value(), good) << expression;
  };
  expect("object.spec.replicas <= 5", ResultType::Bool, true);
  expect("object.items.all(i, i.ok && request.dryRun)", ResultType::Bool, true);
  expect("object.items.all(i, j.ok)", ResultType::Bool, false);
  expect("aaaa", ResultType::Bool, false);
  expect("i", ResultType::Any, false);
  expect("'text'", ResultType::Bool, false);
  expect("'text'", ResultType::String, true);
  expect("null", ResultType::StringOrNull, true);
  expect("'a' + 'b'", ResultType::String, true);
  expect("1 + 'b'", ResultType::Any, false);
  expect("cel.bind(x, 1, x + 1) == 2", ResultType::Bool, true);
  expect("has(object)", ResultType::Bool, false);
  expect("object.a ? 1 : 'x'", ResultType::Any, false);
  expect("object.a ? 1 : dyn('x')", ResultType::Any, true);
}

TEST(Cel, Identifiers) {
  EXPECT_TRUE(is_identifier("_a1"));
  for (const char* bad : {"", "1a", "a-b", "true", "in", "while"}) EXPECT_FALSE(is_identifier(bad)) << bad;
}

}  // namespace
}  // namespace pintle::apimachinery::cel

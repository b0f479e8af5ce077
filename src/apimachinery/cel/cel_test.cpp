#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "apimachinery/cel/check.h"
#include "apimachinery/cel/parser.h"

namespace pintle::apimachinery::cel {
namespace {

void check_parse(std::string_view expression, bool good) {
  EXPECT_EQ(parse(expression).has_value(), good) << expression;
}

TEST(Cel, Syntax) {
  for (const char* good : {"true", "a.b.c", "a[0].b['x']", "!a && -b > 1", "a ? b : c ? d : e", "[1, 2u, 3.5e2,]", "{'a': 1, 'b': [2]}", "has(a.b)", "a.all(x, x > 0)", "r'\\d'", "b\"\\x41\"",
                           "'''a\n'b'''", "a in b", "Object{spec: Object.spec{replicas: 1}}", "a.?b.orValue(1)", "a[?0]", "a.`b-c/d`", "// why\n a", ".a.b", "((((1))))", "0xFFu", "a - -1", "!!a", "f()"})
    check_parse(good, true);
  for (const char* bad : {"", "Not Valid!", "a b", "a.", "(a", "[1, 2", "'abc", "'\\q'", "a &&", "a ? b", "1 +", "a in", "while", "f(a,)", "a..b", "#", "&a", "{'a'}", "'a\nb'"})
    check_parse(bad, false);
  check_parse(std::string(1000, '('), false);
  check_parse(std::string(expression_bytes_max + 1, 'a'), false);
}

TEST(Cel, NamesAndResults) {
  static constexpr std::array<std::string_view, 2> variables{"object", "request"};
  const auto expect = [&](std::string_view expression, ResultType wanted, bool good) {
    const Environment environment{variables, wanted};
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
  expect("object.a ? 1 : 'x'", ResultType::Any, true);
}

TEST(Cel, Identifiers) {
  EXPECT_TRUE(is_identifier("_a1"));
  for (const char* bad : {"", "1a", "a-b", "true", "in", "while"}) EXPECT_FALSE(is_identifier(bad)) << bad;
}

}  // namespace
}  // namespace pintle::apimachinery::cel

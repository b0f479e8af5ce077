#include "apimachinery/schema/rule_sizes.h"

#include <gtest/gtest.h>

#include "apimachinery/schema/rules.h"
#include "apimachinery/schema/schema_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using testing::schema_of;
using testing::value_of;

std::string with_rule(std::string_view schema, std::string_view rule) {
  return std::string(schema.substr(0, schema.rfind('}'))) + R"(,"x-kubernetes-validations":[{"rule":")" + std::string(rule) + R"("}]})";
}
std::string object_with(std::string_view name, std::string_view schema) {
  return R"({"type":"object","properties":{")" + std::string(name) + "\":" + std::string(schema) + "}}";
}

struct Judged {
  uint64_t cost = 0, estimate = 0;
};
Judged judged(const std::string& schema_text, const std::string& object) {
  const auto schema = schema_of(schema_text);
  const Rules rules(schema->root());
  uint64_t left = cel::runtime_cost_max;
  FieldErrors errors;
  rules.validate(value_of(object), {.budget = &left}, errors);
  EXPECT_EQ(errors.size(), 0u) << schema_text;
  return {cel::runtime_cost_max - left, rules.estimate(object.size())};
}
std::string list_of(int count, std::string_view item) {
  std::string out = "{\"a\":[";
  for (int i = 0; i < count; ++i) out += (i ? "," : "") + std::string(item);
  return out + "]}";
}

// An estimate for the size of an object is no less than what its rules are found to cost, but for what comparisons cost above their own estimates.
TEST(RuleSizes, EstimatesHold) {
  const std::string numbers = R"({"type":"array","items":{"type":"integer"}})", texts = R"({"type":"array","items":{"type":"string"}})";
  const std::string pairs = object_with("a", with_rule(numbers, "self.all(x, self.all(y, x != y + 1))"));
  const std::string names = object_with("a", with_rule(texts, "self.all(x, x.matches('^[a-z]*$'))"));
  const std::string each = object_with("a", R"({"type":"array","items":)" + with_rule(R"({"type":"string"})", "self.matches('^[a-z]*$')") + "}");
  const std::string bounded =
      object_with("a", R"({"type":"array","maxItems":200,"items":)" + with_rule(R"({"type":"string","maxLength":20})", "self.contains('b')") + "}");
  const std::string joined = object_with("a", with_rule(texts, "self.join(',').size() < 100000"));
  const std::string spread = object_with("a", R"({"type":"array","items":)" + with_rule(numbers, "self.all(x, self.all(y, x != y + 1))") + "}");
  const std::string long_text = "\"" + std::string(4000, 'b') + "\"";
  for (const auto& [schema, object] : std::vector<std::pair<std::string, std::string>>{
           {pairs, list_of(1, "7")},
           {pairs, list_of(100, "7")},
           {names, list_of(1, "\"b\"")},
           {names, list_of(200, "\"bbbbb\"")},
           {names, list_of(1, long_text)},
           {each, list_of(200, "\"\"")},
           {each, list_of(200, "\"bbbbbbbbbbbbbbb\"")},
           {each, list_of(1, long_text)},
           {bounded, list_of(200, "\"bbbbbbbbbbbbbbbbbbbb\"")},
           {joined, list_of(300, "\"b\"")},
           {spread, list_of(20, "[1,3,5,7,9,11,13,15]")},
           {spread, R"({"a":[[1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39],[]]})"},
       }) {
    const Judged found = judged(schema, object);
    EXPECT_GT(found.cost, 0u) << schema;
    EXPECT_GE(found.estimate * 5 / 4, found.cost) << schema << "\n" << object.substr(0, 80);
  }
}

// What a list's items may cost follows from all bytes once, not from all bytes for each.
TEST(RuleSizes, BytesAreSharedOut) {
  const std::string each =
      object_with("a", R"({"type":"array","items":)" + with_rule(R"({"type":"string"})", "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')") + "}");
  const auto schema = schema_of(each);
  const Rules rules(schema->root());
  EXPECT_LT(rules.estimate(16 << 10), 500'000u);
  EXPECT_GT(rules.estimate(16 << 10), rules.estimate(1 << 10));
}

TEST(RuleSizes, RulesAreFoundWithoutCompilingThem) {
  const std::string ruled = with_rule(R"({"type":"string"})", "self != ''");
  EXPECT_FALSE(Rules::any(schema_of(object_with("a", R"({"type":"string"})"))->root()));
  EXPECT_TRUE(Rules::any(schema_of(object_with("a", ruled))->root()));
  EXPECT_TRUE(Rules::any(schema_of(object_with("a", R"({"type":"array","items":)" + ruled + "}"))->root()));
  EXPECT_TRUE(Rules::any(schema_of(object_with("a", R"({"type":"object","additionalProperties":)" + ruled + "}"))->root()));
}

}  // namespace
}  // namespace pintle::apimachinery::schema

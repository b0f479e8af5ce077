#include "apimachinery/schema/rule_checks.h"

#include <gtest/gtest.h>

#include "apimachinery/schema/schema_testing.h"
#include "apimachinery/schema/structural_rules.h"

namespace pintle::apimachinery::schema {
namespace {

using testing::props_of;
using Found = std::vector<std::string>;

constexpr std::string_view hint =
    " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";

// What is said of a definition with these properties of its spec, which has these rules: "field: message".
Found said(const std::string& properties, const std::string& rules = "", bool unchanged = false) {
  const std::string spec =
      R"({"type":"object","properties":{)" + properties + "}" + (rules.empty() ? "" : R"(,"x-kubernetes-validations":)" + rules) + "}";
  FieldErrors errors;
  validate_definition_schema(props_of(R"({"type":"object","properties":{"spec":)" + spec + "}}"), {.unchanged = unchanged}, FieldPath("s"), errors);
  Found out;
  for (const StatusCause& cause : errors.causes()) out.push_back(cause.field + ": " + cause.message);
  return out;
}
std::string rule(const std::string& text, const std::string& more = "") { return R"([{"rule":")" + text + "\"" + more + "}]"; }

constexpr const char* text = R"("a":{"type":"string"})";
constexpr const char* texts = R"("a":{"type":"array","items":{"type":"string"}})";
const std::string at = "s.properties[spec].x-kubernetes-validations[0]";

std::string shown(const std::string& rule, const std::string& message_expression = "") {
  return R"(Invalid value: {"Rule":")" + rule + R"(","Message":"","MessageExpression":")" + message_expression +
         R"(","Reason":null,"FieldPath":"","OptionalOldSelf":null}: )";
}

// Each as upstream's server answers (1.36.3).
TEST(RuleChecks, KnowTheTypesOfWhatRulesName) {
  EXPECT_EQ(said(text, rule("self.a == 'x'")), Found{});
  EXPECT_EQ(said(text, rule("self.b == 1")),
            (Found{at + ".rule: " + shown("self.b == 1") + "compilation failed: ERROR: <input>:1:5: undefined field 'b'\n | self.b == 1\n | ....^"}));
  EXPECT_EQ(said(text, rule("self.a == 1")),
            (Found{at + ".rule: " + shown("self.a == 1") +
                   "compilation failed: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(string, "
                   "int)'\n | self.a == 1\n | .......^"}));
  EXPECT_EQ(said(text, rule("self.a")), (Found{at + ".rule: " + shown("self.a") + "cel expression must evaluate to a bool"}));
  EXPECT_EQ(said(text, rule("self.metadata.name == 'x'")).size(), 1u);
  // What has no type is not seen; what may be two things is dyn.
  EXPECT_EQ(said(R"("a":{"x-kubernetes-preserve-unknown-fields":true})", rule("self.a == 'x'")).size(), 1u);
  EXPECT_EQ(said(R"("a":{"x-kubernetes-int-or-string":true})", rule("type(self.a) == string ? self.a == 'x' : self.a == 1")), Found{});
  EXPECT_EQ(
      said(R"("a":{"x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-validations":)" + rule("self == 'x'") + "}"),
      (Found{"s.properties[spec].properties[a].x-kubernetes-validations: Internal error: internal error: failed to construct type information for "
             "x-kubernetes-validations rules: unable to convert structural schema to CEL declarations"}));
  EXPECT_EQ(said(R"("namespace":{"type":"string"},"a-b":{"type":"string"},"a.b":{"type":"string"},"a__b":{"type":"string"})",
                 rule("self.__namespace__ == 'x' && self.a__dash__b == self.a__dot__b && self.a__underscores__b == ''")),
            Found{});
}

TEST(RuleChecks, KnowWhatMessagesAre) {
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"messageExpression":"1")")),
            (Found{at + ".messageExpression: " + shown("self.a == 'x'", "1") + "messageExpression must evaluate to a string"}));
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"messageExpression":"self.z")")),
            (Found{at + ".messageExpression: " + shown("self.a == 'x'", "self.z") +
                   "messageExpression compilation failed: ERROR: <input>:1:5: undefined field 'z'\n | self.z\n | ....^"}));
  EXPECT_EQ(said(text, rule("self.a ==\\n'x'")), (Found{at + ".message: Required value: message must be specified if rule contains line breaks"}));
  EXPECT_EQ(said(text, rule(" ")), (Found{at + ".rule: Required value: rule is not specified"}));
}

TEST(RuleChecks, FollowFieldPaths) {
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"fieldPath":".a")")), Found{});
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"fieldPath":"['a']")")), Found{});
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"fieldPath":".z")")), (Found{at + R"(.fieldPath: Invalid value: ".z": must be a valid path)"}));
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"fieldPath":"a")")).size(), 1u);
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"fieldPath":"['a")")).size(), 1u);
}

TEST(RuleChecks, AllowTransitionsWhereOldValuesAreFound) {
  const std::string items =
      R"("items":{"type":"object","required":["b"],"properties":{"b":{"type":"string","maxLength":5}},"x-kubernetes-validations":)" +
      rule("self.b == oldSelf.b") + "}";
  const std::string where = "s.properties[spec].properties[a].items.x-kubernetes-validations[0].rule";
  EXPECT_EQ(
      said(R"("a":{"type":"array","maxItems":9,)" + items + "}"),
      (Found{
          where +
          R"(: Invalid value: "self.b == oldSelf.b": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[spec].properties[a])"}));
  EXPECT_EQ(said(R"("a":{"type":"array","maxItems":9,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["b"],)" + items + "}"), Found{});
  EXPECT_EQ(said(text, rule("self.a == 'x'", R"(,"optionalOldSelf":true)")),
            (Found{at + ".optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"}));
  EXPECT_EQ(said(text, rule("!oldSelf.hasValue() || self.a == oldSelf.value().a", R"(,"optionalOldSelf":true)")), Found{});
}

TEST(RuleChecks, BoundCosts) {
  const std::string dear = rule("self.a.all(x, self.a.all(y, x == y))");
  const std::string factor = "exceeds budget by factor of more than 100x" + std::string(hint);
  const Found total{at + ".rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
                    "s: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema " + factor};
  Found all{at + ".rule: Forbidden: estimated rule cost " + factor};
  all.insert(all.end(), total.begin(), total.end());
  EXPECT_EQ(said(texts, dear), all);
  EXPECT_EQ(said(texts, dear, true), total);  // it stood there before
  EXPECT_EQ(said(R"("a":{"type":"array","maxItems":10,"items":{"type":"string","maxLength":10}})", dear), Found{});
  EXPECT_EQ(said(texts, rule("size(self.a) < 3", R"x(,"messageExpression":"self.a.map(x, x + x).map(x, x + x).join(',')")x")).size(), 3u);
}

TEST(RuleChecks, JudgeDefaults) {
  EXPECT_EQ(said(R"("a":{"type":"string","default":"y","x-kubernetes-validations":)" + rule("self == 'x'") + "}"),
            (Found{R"(s.properties[spec].properties[a].default: Invalid value: "y": failed rule: self == 'x')"}));
  EXPECT_EQ(said(R"("a":{"type":"string","default":"x","x-kubernetes-validations":)" + rule("self == 'x'") + "}"), Found{});
}

}  // namespace
}  // namespace pintle::apimachinery::schema

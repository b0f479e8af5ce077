// Pruning, nulls, defaults, embedded metadata.
#include <gtest/gtest.h>

#include "apimachinery/schema/default.h"
#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/schema_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using testing::schema_of;
using testing::value_of;

struct PruneCase {
  const char* schema;
  const char* in;
  const char* out;
  std::vector<std::string> pruned;
  Position position = Position::Inside;
};

void check_prune(const PruneCase& c) {
  const auto schema = schema_of(c.schema);
  Value value = value_of(c.in);
  std::vector<std::string> pruned;
  prune(value, &schema->root(), c.position, &pruned);
  EXPECT_EQ(codec::to_json(value), codec::to_json(value_of(c.out))) << c.schema << " " << c.in;
  EXPECT_EQ(pruned, c.pruned) << c.schema << " " << c.in;
  Value again = value;
  prune(again, &schema->root(), c.position);
  EXPECT_EQ(again, value);
}

TEST(Prune, TakesOutWhatIsNotDeclared) {
  const PruneCase cases[] = {
      {R"({"type":"object","properties":{"a":{"type":"string"}}})", R"({"a":1,"b":2,"c":{"d":1}})", R"({"a":1})", {"b", "c"}},
      {R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}})",
       R"({"a":{"b":1,"c":2,"d":3}})",
       R"({"a":{"b":1}})",
       {"a.c", "a.d"}},
      {R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{"type":"string"}}}}}})",
       R"({"a":[{"b":1},{"c":1,"b":2},[{"x":1}],7]})",
       R"({"a":[{"b":1},{"b":2},[{}],7]})",
       {"a[1].c", "a[2][0].x"}},
      {R"({"type":"object","additionalProperties":{"type":"object","properties":{"b":{"type":"string"}}}})",
       R"({"x":{"b":1,"c":2},"y":3})",
       R"({"x":{"b":1},"y":3})",
       {"x.c"}},
      // Other members are allowed, but nothing is said of what is in them.
      {R"({"type":"object","additionalProperties":true})", R"({"x":{"b":1},"y":3})", R"({"x":{},"y":3})", {"x.b"}},
      {R"({"type":"object"})", R"({"apiVersion":"v1","kind":"A","metadata":{"x":1},"a":1})", "{}", {"a"}},
      {R"({"type":"object"})",
       R"({"apiVersion":"v1","kind":"A","metadata":{"x":1},"a":{"kind":1}})",
       R"({"apiVersion":"v1","kind":"A","metadata":{"x":1}})",
       {"a"},
       Position::Root},
      {R"({"type":"object","properties":{"a":{"type":"object"}}})",
       R"({"a":{"kind":1,"metadata":{}}})",
       R"({"a":{}})",
       {"a.kind", "a.metadata"},
       Position::Root},
  };
  for (const PruneCase& c : cases) check_prune(c);
}

TEST(Prune, KeepsUnknownFieldsWhereTheSchemaSaysSo) {
  const PruneCase cases[] = {
      {R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})", R"({"a":{"b":[1,{"c":2}]}})", R"({"a":{"b":[1,{"c":2}]}})", {}},
      // What is declared below is pruned again.
      {R"({"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}})",
       R"({"a":{"b":1,"c":2},"d":{"e":1}})",
       R"({"a":{"b":1},"d":{"e":1}})",
       {"a.c"}},
      // Items of a list that keeps keep theirs too; what they declare does not.
      {R"({"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{"type":"object","properties":{"a":{"type":"object"}}}})",
       R"([{"a":{"x":1},"b":{"y":1}}])",
       R"([{"a":{},"b":{"y":1}}])",
       {"[0].a.x"}},
      {R"({"type":"array","x-kubernetes-preserve-unknown-fields":true})", R"([{"a":{"x":1}}])", R"([{"a":{"x":1}}])", {}},
      {R"({"type":"object","properties":{"t":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}}})",
       R"({"t":{"apiVersion":"v1","kind":"P","metadata":{"name":"n","odd":1},"spec":{"x":1},"y":1}})",
       R"({"t":{"apiVersion":"v1","kind":"P","metadata":{"name":"n","odd":1},"spec":{}}})",
       {"t.spec.x", "t.y"}},
      {R"({"type":"object","properties":{"t":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}})",
       R"({"t":{"kind":"P","metadata":{"odd":1},"y":{"z":1}},"u":1})",
       R"({"t":{"kind":"P","metadata":{"odd":1},"y":{"z":1}}})",
       {"u"}},
  };
  for (const PruneCase& c : cases) check_prune(c);
}

TEST(Prune, DeclaresNothingInsideOfAlternatives) {
  check_prune({R"({"type":"object","anyOf":[{"properties":{"a":{"minimum":1}}}]})", R"({"a":1})", "{}", {"a"}});
}

TEST(Prune, TellsOfABoundedNumberOfPaths) {
  Value value = Value::Object{};
  for (std::size_t i = 0; i < 2 * pruned_paths_max; ++i) value["f" + std::to_string(i)] = 1;
  std::vector<std::string> pruned;
  prune(value, nullptr, Position::Inside, &pruned);
  EXPECT_EQ(pruned.size(), pruned_paths_max);
  EXPECT_TRUE(value.as_object().empty());
}

void check_nulls(const char* schema_text, const char* in, const char* out, Nulls dropped = Nulls::All) {
  const auto schema = schema_of(schema_text);
  Value value = value_of(in);
  drop_nulls(value, &schema->root(), dropped);
  EXPECT_EQ(codec::to_json(value), codec::to_json(value_of(out))) << schema_text << " " << in;
}

TEST(DropNulls, KeepsThoseThatAreAllowedOrHaveADefault) {
  constexpr const char* schema =
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string","nullable":true},"c":{"type":"string","default":"x"},)"
      R"("d":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}},"e":{"type":"object","additionalProperties":{"type":"string"}}}})";
  check_nulls(schema, R"({"a":null,"b":null,"c":null})", R"({"b":null,"c":null})");
  check_nulls(schema, R"({"d":[null,{"a":null}],"e":{"x":null,"y":"z"}})", R"({"d":[null,{}],"e":{"y":"z"}})");
  check_nulls(R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})", R"({"a":null})", R"({"a":null})");
}

TEST(DropNulls, LeavesThoseThatValidationRefuses) {
  constexpr const char* schema =
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{"x-kubernetes-int-or-string":true},"c":{"x-kubernetes-preserve-unknown-fields":true},)"
      R"("d":{"type":"object","additionalProperties":{"type":"string"}},"e":{"type":"string","default":"x"},"f":{"nullable":true}}})";
  check_nulls(schema, R"({"a":null,"b":null,"c":null,"e":null,"f":null})", R"({"a":null,"b":null,"e":null,"f":null})", Nulls::Valid);
  check_nulls(schema, R"({"c":{"x":null},"d":{"x":null}})", R"({"c":{"x":null},"d":{"x":null}})", Nulls::Valid);
}

void check_defaults(const char* schema_text, const char* in, const char* out) {
  const auto schema = schema_of(schema_text);
  Value value = value_of(in);
  ASSERT_TRUE(fill_defaults(value, &schema->root()).has_value());
  EXPECT_EQ(codec::to_json(value), codec::to_json(value_of(out))) << schema_text << " " << in;
  Value again = value;
  ASSERT_TRUE(fill_defaults(again, &schema->root()).has_value());
  EXPECT_EQ(again, value);
}

TEST(Defaults, FillWhatIsMissingOrNull) {
  constexpr const char* schema =
      R"({"type":"object","properties":{"a":{"type":"string","default":"A"},"b":{"type":"string","nullable":true,"default":"B"},)"
      R"("c":{"type":"object","default":{},"properties":{"d":{"type":"integer","default":4},"e":{"type":"string"}}},)"
      R"("f":{"type":"object","properties":{"g":{"type":"string","default":"G"}}}}})";
  check_defaults(schema, "{}", R"({"a":"A","b":"B","c":{"d":4}})");
  check_defaults(schema, R"({"a":null,"b":null,"c":null,"f":null})", R"({"a":"A","b":null,"c":{"d":4},"f":null})");
  check_defaults(schema, R"({"a":"x","c":{"d":1,"e":"y"},"f":{}})", R"({"a":"x","b":"B","c":{"d":1,"e":"y"},"f":{"g":"G"}})");
}

TEST(Defaults, ReachItemsAndMembersOfMaps) {
  constexpr const char* schema =
      R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"object","default":{"p":1},"properties":{"p":{"type":"integer","default":80}}}},)"
      R"("m":{"type":"object","additionalProperties":{"type":"object","default":{},"properties":{"q":{"type":"string","default":"Q"}}}},)"
      R"("n":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string","default":"s"}}}}})";
  check_defaults(schema, R"({"l":[{},null,{"p":2}],"m":{"a":{},"b":null},"n":{"x":[null,"y"]}})",
                 R"({"l":[{"p":80},{"p":1},{"p":2}],"m":{"a":{"q":"Q"},"b":{"q":"Q"}},"n":{"x":["s","y"]}})");
  check_defaults(schema, R"({"l":{"a":1},"m":[1]})", R"({"l":{"a":1},"m":[1]})");
}

TEST(Defaults, ArePrunedThemselves) {
  const auto schema =
      schema_of(R"({"type":"object","properties":{"a":{"type":"object","default":{"b":1,"c":2},"properties":{"b":{"type":"integer"}}}}})");
  Value value = Value::Object{};
  ASSERT_TRUE(fill_defaults(value, &schema->root()).has_value());
  EXPECT_EQ(codec::to_json(value), R"({"a":{"b":1}})");
}

TEST(Defaults, StopBeforeTheyFillTheMemory) {
  const std::string large(100 << 10, 'x');
  const auto schema = schema_of(R"({"type":"array","items":{"type":"object","properties":{"a":{"type":"string","default":")" + large + R"("}}}})");
  Value value = Value::Array(10'000, Value::Object{});
  const auto filled = fill_defaults(value, &schema->root());
  ASSERT_FALSE(filled.has_value());
  EXPECT_EQ(filled.error().http(), 413);
}

constexpr const char* embedding =
    R"({"type":"object","properties":{"t":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}})";

TEST(EmbeddedMeta, IsCoerced) {
  const auto schema = schema_of(embedding);
  Value value = value_of(R"({"t":{"kind":"P","metadata":{"name":"n","labels":{"a":"b"},"odd":1,"creationTimestamp":null}},"metadata":{"odd":1}})");
  std::vector<std::string> unknown;
  ASSERT_TRUE(coerce_embedded(value, &schema->root(), {}, &unknown).has_value());
  EXPECT_EQ(codec::to_json(value), R"({"metadata":{"odd":1},"t":{"kind":"P","metadata":{"labels":{"a":"b"},"name":"n"}}})");
  EXPECT_EQ(unknown, std::vector<std::string>{"t.metadata.odd"});
}

TEST(EmbeddedMeta, IsRefusedOrDroppedWhereItIsInvalid) {
  const auto schema = schema_of(embedding);
  const auto in = [] { return value_of(R"({"t":{"kind":7,"metadata":{"name":"n","labels":[1]}}})"); };
  Value value = in();
  const auto refused = coerce_embedded(value, &schema->root(), {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "t.kind: Invalid value: 7: must be a string");
  value = in();
  ASSERT_TRUE(coerce_embedded(value, &schema->root(), {Position::Inside, true}).has_value());
  EXPECT_EQ(codec::to_json(value), R"({"t":{"metadata":{"name":"n"}}})");
}

TEST(EmbeddedMeta, IsThatOfTheRootWhenAskedFor) {
  Value value = value_of(R"({"metadata":{"name":"n","odd":1}})");
  ASSERT_TRUE(coerce_embedded(value, nullptr, {.position = Position::Root}).has_value());
  EXPECT_EQ(codec::to_json(value), R"({"metadata":{"name":"n"}})");
}

}  // namespace
}  // namespace pintle::apimachinery::schema

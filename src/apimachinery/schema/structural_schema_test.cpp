#include "apimachinery/schema/structural_schema.h"

#include <gtest/gtest.h>

#include "apimachinery/schema/schema_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using testing::props_of;
using testing::schema_of;

TEST(StructuralSchema, KeepsWhatWalkersNeed) {
  const auto schema = schema_of(
      R"({"type":"object","description":"root","x-kubernetes-validations":[{"rule":"self.a > 0","message":"m","reason":"FieldValueForbidden","fieldPath":".a","optionalOldSelf":true}],)"
      R"("properties":{"b":{"type":"string","format":"date","pattern":"^x","enum":["x","y"],"default":"x"},)"
      R"("a":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["z","y"],"maxItems":3,"items":{"type":"object","required":["y"]}}}})");
  const Node& root = schema->root();
  EXPECT_EQ(root.type, ValueType::Object);
  EXPECT_EQ(root.description, "root");
  ASSERT_EQ(root.rules().size(), 1u);
  EXPECT_EQ(root.rules()[0].rule, "self.a > 0");
  EXPECT_EQ(root.rules()[0].reason, "FieldValueForbidden");
  EXPECT_EQ(root.rules()[0].field_path, ".a");
  EXPECT_TRUE(root.rules()[0].optional_old_self.value());
  ASSERT_EQ(root.properties.size(), 2u);
  EXPECT_EQ(root.properties[0].name, "a");
  const Node* a = root.property("a");
  EXPECT_EQ(a->list_type, ListType::Map);
  EXPECT_EQ(a->list_map_keys()[0], "z");
  EXPECT_EQ(a->extras->sorted_list_map_keys[0], "y");
  EXPECT_EQ(a->restrictions->sizes->max_items, 3);
  EXPECT_EQ(a->items->restrictions->required[0], "y");
  const Node* b = root.property("b");
  EXPECT_EQ(b->default_value->as_string(), "x");
  EXPECT_TRUE(b->restrictions->pattern->matches("xy"));
  EXPECT_FALSE(b->restrictions->pattern->matches("yx"));
  EXPECT_EQ(b->restrictions->enumeration.size(), 2u);
  EXPECT_EQ(root.property("c"), nullptr);
}

TEST(StructuralSchema, EnforcesFormatsByType) {
  const auto schema = schema_of(
      R"({"type":"object","properties":{"a":{"type":"integer","format":"int32"},"b":{"type":"integer","format":"date"},"c":{"x-kubernetes-int-or-string":true,"format":"date"},"d":{"type":"object","format":"date"}}})");
  const auto restrictions = [&](std::string_view name) { return schema->root().property(name)->restrictions; };
  EXPECT_EQ(restrictions("a")->number_format, NumberFormat::Int32);
  EXPECT_FALSE(restrictions("b")->enforces_format());
  EXPECT_NE(restrictions("c")->string_format, nullptr);
  EXPECT_FALSE(restrictions("d")->enforces_format());
  EXPECT_EQ(restrictions("d")->format, "date");
}

TEST(StructuralSchema, RefusesWhatNoStructuralSchemaSays) {
  for (const char* text :
       {R"({"$ref":"x"})", R"({"id":"x"})", R"({"properties":{"a":{"definitions":{"x":{}}}}})", R"({"items":[{"type":"string"}]})",
        R"({"anyOf":[{"dependencies":{"a":["b"]}}]})", R"({"type":"float"})", R"({"patternProperties":{"a":{}}})", R"({"additionalItems":true})"}) {
    const auto schema = StructuralSchema::compile(props_of(text));
    ASSERT_FALSE(schema.has_value()) << text;
    EXPECT_EQ(schema.error().reason, Reason::Invalid);
  }
}

TEST(StructuralSchema, TakesMemoryInProportion) {
  std::string text = R"({"type":"object","properties":{)";
  for (int i = 0; i < 20'000; ++i) text += R"("property)" + std::to_string(i) + R"(":{"type":"string","description":"It says something."},)";
  text += R"("last":{"type":"object"}}})";
  const auto schema = schema_of(text);
  EXPECT_EQ(schema->nodes(), 20'002u);
  EXPECT_LT(schema->memory_bytes(), 3 * text.size());
  // Alternatives are the smallest parts that a text can ask for.
  std::string alternatives = R"({"type":"object","oneOf":[)";
  for (int i = 0; i < 20'000; ++i) alternatives += R"({"required":["a)" + std::to_string(i) + R"("]},)";
  alternatives += "{}]}";
  EXPECT_LT(schema_of(alternatives)->memory_bytes(), 12 * alternatives.size());
  EXPECT_LT(schema_of(R"({"type":"object"})")->memory_bytes(), 2048u);
}

TEST(StructuralSchema, HasALimitOfParts) {
  std::string text = R"({"type":"object","oneOf":[)";
  for (std::size_t i = 0; i < schema_nodes_max; ++i) text += "{},";
  text += "{}]}";
  const auto schema = StructuralSchema::compile(props_of(text));
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().message, "the schema has more than 100000 parts");
}

}  // namespace
}  // namespace pintle::apimachinery::schema

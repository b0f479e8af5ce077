#include "apiserver/custom/shape.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "codec/json.h"

namespace pintle::apiserver::custom {
namespace {

std::shared_ptr<const Shape> shape_of(std::string_view schema) {
  api::apiextensions_v1::CustomResourceDefinitionVersion described;
  described.name = "v1";
  auto& props = described.schema.emplace().open_apiv_3_schema.emplace();
  EXPECT_TRUE(api::decode_json(schema, api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props));
  return *Shape::make(described, false);
}

// A list of numbers with a rule that looks at each pair.
std::shared_ptr<const Shape> pairs() {
  return shape_of(R"x({"type":"object","properties":{"n":{"type":"array","items":{"type":"integer"},
      "x-kubernetes-validations":[{"rule":"self.all(a, self.all(b, a != b + 1000000))"}]}}})x");
}

codec::Value numbers(int count) {
  codec::Value out;
  codec::Value::Array list;
  for (int i = 0; i < count; ++i) list.emplace_back(int64_t{i});
  out["n"] = codec::Value(std::move(list));
  return out;
}

std::size_t judge(const Shape& shape, int count) {
  FieldErrors errors;
  shape.judge(numbers(count), nullptr, nullptr, errors);
  return errors.size();
}

TEST(Shape, WhetherRulesTakeLongFollowsFromTheSize) {
  EXPECT_FALSE(judging_takes_long(nullptr, 10'000));
  const auto shape = pairs();
  EXPECT_TRUE(judging_takes_long(shape.get(), 100)) << "they are not compiled";
  EXPECT_EQ(judge(*shape, 10), 0u);
  EXPECT_FALSE(judging_takes_long(shape.get(), 100));
  EXPECT_TRUE(judging_takes_long(shape.get(), 10'000)) << "of which none was judged yet";
  EXPECT_FALSE(judging_takes_long(shape.get(), 100)) << "whatever others may take";
}

// What an estimate did not see: defaults, or a patch that copies.
TEST(Shape, RulesThatTookLongAreKnownFromThenOn) {
  const auto shape = pairs();
  EXPECT_EQ(judge(*shape, 10), 0u);
  EXPECT_EQ(judge(*shape, 2000), 1u) << "it costs more than it may";
  EXPECT_TRUE(judging_takes_long(shape.get(), 1));
}

TEST(Shape, OrdinaryRulesAreBrief) {
  const auto plain = shape_of(R"({"type":"object","properties":{"n":{"type":"array","items":{"type":"integer"}}}})");
  EXPECT_FALSE(judging_takes_long(plain.get(), 1 << 20)) << "no rules";
  const auto ruled =
      shape_of(R"x({"type":"object","properties":{"spec":{"type":"object","properties":{"min":{"type":"integer"},"max":{"type":"integer"},
      "name":{"type":"string"},"ports":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"}},
      "x-kubernetes-validations":[{"rule":"!has(self.name) || self.name.matches('^[a-z]+$')"}]}}},
      "x-kubernetes-validations":[{"rule":"self.min <= self.max"},{"rule":"self.name == oldSelf.name"}]}}})x");
  FieldErrors errors;
  ruled->judge(*codec::parse_json(R"({"spec":{"min":1,"max":2,"name":"n","ports":[{"name":"a"}]}})"), nullptr, nullptr, errors);
  EXPECT_EQ(errors.size(), 0u);
  EXPECT_FALSE(judging_takes_long(ruled.get(), 16 << 10));
}

}  // namespace
}  // namespace pintle::apiserver::custom

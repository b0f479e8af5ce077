#include "apiserver/custom/shape.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "codec/json.h"

namespace pintle::apiserver::custom {
namespace {

// A list of numbers with a rule that looks at each pair.
std::shared_ptr<const Shape> pairs() {
  api::apiextensions_v1::CustomResourceDefinitionVersion described;
  described.name = "v1";
  auto& props = described.schema.emplace().open_apiv_3_schema.emplace();
  constexpr std::string_view schema = R"x({"type":"object","properties":{"n":{"type":"array","items":{"type":"integer"},
      "x-kubernetes-validations":[{"rule":"self.all(a, self.all(b, a != b + 1000000))"}]}}})x";
  EXPECT_TRUE(api::decode_json(schema, api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props));
  return *Shape::make(described, false);
}

codec::Value numbers(int count) {
  codec::Value out;
  codec::Value::Array list;
  for (int i = 0; i < count; ++i) list.emplace_back(int64_t{i});
  out["n"] = codec::Value(std::move(list));
  return out;
}

TEST(Shape, RulesThatTakeLongAreKnownFromThenOn) {
  const auto shape = pairs();
  EXPECT_FALSE(judging_takes_long(nullptr));
  const auto judge = [&](int count) {
    FieldErrors errors;
    shape->judge(numbers(count), nullptr, nullptr, errors);
    return errors.size();
  };
  EXPECT_EQ(judge(10), 0u);
  EXPECT_FALSE(judging_takes_long(shape.get()));
  EXPECT_EQ(judge(2000), 1u) << "it costs more than it may";
  EXPECT_TRUE(judging_takes_long(shape.get()));
  EXPECT_EQ(judge(10), 0u);
  EXPECT_TRUE(judging_takes_long(shape.get()));
}

}  // namespace
}  // namespace pintle::apiserver::custom

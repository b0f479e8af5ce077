// For tests of this folder and of who uses it: schemas and documents from text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apimachinery/schema/structural_schema.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema::testing {

inline api::apiextensions_v1::JSONSchemaProps props_of(std::string_view json) {
  api::apiextensions_v1::JSONSchemaProps props;
  const auto decoded = api::decode_json(json, api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props);
  EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
  return props;
}

inline std::shared_ptr<const StructuralSchema> schema_of(std::string_view json) {
  auto schema = StructuralSchema::compile(props_of(json));
  EXPECT_TRUE(schema.has_value()) << schema.error().message;
  return schema ? *schema : nullptr;
}

inline codec::Value value_of(std::string_view json) {
  auto value = codec::parse_json(json);
  EXPECT_TRUE(value.has_value()) << json;
  return value ? std::move(*value) : codec::Value();
}

}  // namespace pintle::apimachinery::schema::testing

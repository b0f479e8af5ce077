// Schemas and objects that are meant to take stack or time out of proportion.
#include <gtest/gtest.h>

#include "api/untrusted.h"
#include "apimachinery/schema/default.h"
#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/openapi.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/schema_testing.h"
#include "apimachinery/schema/structural_rules.h"
#include "apimachinery/schema/validate.h"
#include "codec/cpu_testing.h"
#include "codec/stack_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::cpu_seconds;
using codec::hostile_seconds_max;
using codec::Value;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// Everything that meets a schema and an object of it.
void run_all(const std::string& schema_text, Value object) {
  api::apiextensions_v1::JSONSchemaProps props;
  const auto decoded = api::decode_untrusted_json(schema_text, api::type_of<api::apiextensions_v1::JSONSchemaProps>(), &props);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  FieldErrors errors;
  validate_definition_schema(props, {}, FieldPath("s"), errors);
  const auto schema = StructuralSchema::compile(props);
  if (!schema) return;
  const Node& root = (*schema)->root();
  for (const auto dialect : {openapi::Dialect::V2, openapi::Dialect::V3}) {
    std::string text;
    append_schema(root, dialect, text);
  }
  const Value old = object;
  (void)fill_defaults(object, &root);
  prune(object, &root, Position::Root);
  drop_nulls(object, &root);
  (void)coerce_embedded(object, &root, {.position = Position::Root, .drop_invalid = true});
  validate_object(root, object, errors);
  validate_object_update(root, object, old, errors);
}

TEST(HostileSchemas, NestAsDeepAsADocumentMay) {
  codec::run_on_small_stack([] {
    const struct {
      std::string open, close;
      int levels;
      std::string object_open, object_close;
    } ways[] = {{R"({"type":"object","properties":{"a":)", "}}", 2, R"({"a":)", "}"},
                {R"({"type":"object","default":{"a":{}},"properties":{"a":)", "}}", 2, R"({"a":)", "}"},
                {R"({"type":"object","x-kubernetes-embedded-resource":true,"properties":{"a":)", "}}", 2, R"({"metadata":{"name":"n"},"a":)", "}"},
                {R"({"type":"array","items":)", "}", 1, "[", "]"},
                {R"({"type":"object","additionalProperties":)", "}", 1, R"({"a":)", "}"},
                {R"({"type":"object","not":)", "}", 1, "{\"a\":", "}"},
                {R"({"type":"object","allOf":[)", "]}", 2, "{\"a\":", "}"},
                {R"({"type":"object","anyOf":[)", ",{}]}", 2, "{\"a\":", "}"},
                {R"({"not":{"properties":{"a":)", "}}}", 3, R"({"a":)", "}"}};
    for (const auto& way : ways) {
      const auto n = static_cast<std::size_t>((codec::nesting_max - 10) / way.levels);
      const Value object = testing::value_of(repeated(way.object_open, 240) + "1" + repeated(way.object_close, 240));
      EXPECT_LT(cpu_seconds([&] { run_all(repeated(way.open, n) + R"({"type":"string"})" + repeated(way.close, n), object); }), hostile_seconds_max)
          << way.open;
    }
  });
}

TEST(HostileSchemas, KeysTimesItems) {
  std::string names, properties;
  for (int i = 0; i < 10'000; ++i) {
    names += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\"";
    properties += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + R"(":{"type":"string"})";
  }
  const std::string schema = R"({"type":"object","properties":{"l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":[)" +
                             names + R"(],"items":{"type":"object","required":[)" + names + "],\"properties\":{" + properties + "}}}}}";
  Value object;
  object["l"] = Value::Array(50'000, Value(Value::Object{}));
  EXPECT_LT(cpu_seconds([&] { run_all(schema, object); }), hostile_seconds_max);
}

TEST(HostileSchemas, ValuesTimesItems) {
  std::string values;
  for (int i = 0; i < 10'000; ++i) values += (i == 0 ? "\"v" : ",\"v") + std::to_string(i) + "\"";
  Value object;
  object["l"] = Value::Array(50'000, Value("x"));
  EXPECT_LT(cpu_seconds([&] {
              run_all(R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"string","enum":[)" + values + "]}}}}", object);
            }),
            hostile_seconds_max);
}

}  // namespace
}  // namespace pintle::apimachinery::schema

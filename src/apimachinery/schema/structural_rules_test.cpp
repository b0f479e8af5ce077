#include "apimachinery/schema/structural_rules.h"

#include <gtest/gtest.h>

#include "apimachinery/schema/schema_testing.h"

namespace pintle::apimachinery::schema {
namespace {

using testing::props_of;
using Found = std::vector<std::string>;

// "field type" of each error, without "FieldValue".
Found found(const FieldErrors& errors) {
  Found out;
  for (const StatusCause& cause : errors.causes()) out.push_back(cause.field + " " + cause.type.substr(10));
  return out;
}

void check_structural(const char* schema, const Found& wanted) {
  FieldErrors errors;
  EXPECT_EQ(validate_structural(props_of(schema), FieldPath("s"), errors), wanted.empty());
  EXPECT_EQ(found(errors), wanted) << schema;
}

TEST(StructuralRules, WantTypes) {
  check_structural(R"({"type":"object"})", {});
  check_structural("{}", {"s.type Required"});
  check_structural(R"({"type":"array","items":{"type":"string"}})", {"s.type Invalid"});
  check_structural(R"({"type":"object","properties":{"a":{},"b":{"type":"array","items":{}},"c":{"type":"array"}}})",
                   {"s.properties[a].type Required", "s.properties[b].items.type Required", "s.properties[c].items Required"});
  check_structural(R"({"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true},"b":{"x-kubernetes-preserve-unknown-fields":true}}})",
                   {});
  check_structural(R"({"type":"object","additionalProperties":{"type":"string"}})", {"s.additionalProperties Forbidden"});
}

TEST(StructuralRules, ForbidDeclarationsInsideOfAlternatives) {
  check_structural(R"({"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"properties":{"a":{"type":"string"}}}]})",
                   {"s.anyOf[0].properties[a].type Forbidden"});
  check_structural(R"({"type":"object","not":{"properties":{"a":{"minimum":1}}}})", {"s.properties[a] Required"});
  check_structural(R"({"type":"object","properties":{"a":{"type":"integer"}},"not":{"properties":{"a":{"minimum":1}}}})", {});
  check_structural(R"({"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}}})", {});
  check_structural(
      R"({"type":"object","properties":{"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string","minLength":1}]}}})",
      {"s.properties[a].anyOf[0].type Forbidden", "s.properties[a].anyOf[1].type Forbidden"});
}

TEST(StructuralRules, LeaveMetadataToTheApi) {
  check_structural(R"({"type":"object","properties":{"metadata":{"type":"object","properties":{"name":{"type":"string","pattern":"x"}}}}})", {});
  check_structural(R"({"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}})",
                   {"s.properties[metadata] Forbidden"});
  check_structural(R"({"type":"object","properties":{"metadata":{"type":"object","description":"mine"}}})", {"s.properties[metadata] Forbidden"});
  check_structural(R"({"type":"object","properties":{"kind":{"type":"integer"}}})", {"s.properties[kind].type Invalid"});
}

void check_definition(const char* schema, const Found& wanted) {
  FieldErrors errors;
  validate_definition_schema(props_of(schema), {}, FieldPath("s"), errors);
  EXPECT_EQ(found(errors), wanted) << schema;
}

TEST(DefaultRules, WantDefaultsThatFit) {
  const auto check_default = [](const char* schema, const Found& wanted) {
    check_definition((R"({"type":"object","properties":{"a":)" + std::string(schema) + "}}").c_str(), wanted);
  };
  check_default(R"({"type":"integer","maximum":5,"default":5})", {});
  check_default(R"({"type":"integer","maximum":5,"default":6})", {"s.properties[a].default Invalid"});
  check_default(R"({"type":"integer","default":"x"})", {"s.properties[a].default TypeInvalid"});
  check_default(R"({"type":"object","default":{"b":1,"c":2},"properties":{"b":{"type":"integer"}}})", {"s.properties[a].default Invalid"});
  check_default(R"({"type":"object","default":{"b":"x"},"properties":{"b":{"type":"integer"}}})", {"s.properties[a].default.b TypeInvalid"});
  check_default(R"({"type":"object","default":{},"required":["b"],"properties":{"b":{"type":"integer"}}})", {"s.properties[a].default.b Required"});
  check_default(R"({"type":"array","default":[1],"items":{"type":"integer","default":2}})", {});
  check_default(R"({"type":"array","items":{"type":"integer","default":"x"}})", {"s.properties[a].items.default TypeInvalid"});
  check_default(R"({"type":"string","default":null})", {});
}

TEST(DefaultRules, WantValidMetadataOfEmbeddedResources) {
  const auto check_embedded = [](const char* properties, const Found& wanted) {
    check_definition((R"({"type":"object","properties":{"a":{"type":"object","x-kubernetes-embedded-resource":true,"properties":)" +
                      std::string(properties) + "}}}")
                         .c_str(),
                     wanted);
  };
  check_embedded(R"({"kind":{"type":"string","default":"Pod"},"metadata":{"type":"object","properties":{"name":{"type":"string","default":"x"}}}})",
                 {});
  check_embedded(R"({"kind":{"type":"string","default":"%"}})", {"s.properties[a].properties[kind].default Invalid"});
  check_embedded(R"({"metadata":{"type":"object","properties":{"name":{"type":"string","default":"a/b"}}}})",
                 {"s.properties[a].properties[metadata].properties[name].default Invalid"});
}

TEST(DefinitionRules, TellOnceOfWhatCannotBeCompiled) {
  check_definition(R"({"type":"object","$ref":"x"})", {"s.$ref Forbidden"});
  check_definition(R"({"type":"object","$schema":"x"})", {"s Invalid"});
}

}  // namespace
}  // namespace pintle::apimachinery::schema

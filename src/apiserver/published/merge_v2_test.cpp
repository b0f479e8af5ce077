#include "apiserver/published/merge_v2.h"

#include <map>

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::apiserver::published {
namespace {

using codec::Value;

Value value_of(std::string_view text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? std::move(*value) : Value();
}

Merged merged(std::string_view document, std::string_view taken_definitions) {
  const Value there = value_of(taken_definitions);
  Taken taken;
  taken.path = [](std::string_view path) { return path == "/apis/m.io/v1/taken"; };
  taken.definition = [&](std::string_view name) {
    const Value* found = there.find(name);
    return found ? *found : Value();
  };
  taken.parameter = taken.definition;
  return merge_v2(value_of(document), "/apis/m.io/v1/", taken);
}

void check(std::string_view document, std::string_view taken, std::string_view paths, std::string_view definitions) {
  const Merged out = merged(document, taken);
  EXPECT_EQ(codec::to_json(out.paths), codec::to_json(value_of(paths))) << document;
  EXPECT_EQ(codec::to_json(out.definitions), codec::to_json(value_of(definitions))) << document;
}

TEST(MergeV2, TakesWhatLiesBelowItsPathsWithWhatTheyReach) {
  check(
      R"({"paths":{"/apis/m.io/v1/pods":{"$ref":"#/definitions/A"},"/apis/m.io/v1/taken":{"$ref":"#/definitions/C"},"/api/v1/pods":{"$ref":"#/definitions/C"}},)"
      R"("definitions":{"A":{"items":{"$ref":"#/definitions/B"}},"B":{"type":"string"},"C":{},"Unused":{}}})",
      "{}", R"({"/apis/m.io/v1/pods":{"$ref":"#/definitions/A"}})", R"({"A":{"items":{"$ref":"#/definitions/B"}},"B":{"type":"string"}})");
}

TEST(MergeV2, WhatIsTheSameIsNotTakenTwice) {
  check(
      R"({"paths":{"/apis/m.io/v1/x":{"$ref":"#/definitions/A"}},"definitions":{"A":{"type":"object","description":"other words","x-kubernetes-group-version-kind":[{"kind":"A"}]}}})",
      R"({"A":{"type":"object","description":"words"}})", R"({"/apis/m.io/v1/x":{"$ref":"#/definitions/A"}})", "{}");
}

TEST(MergeV2, KindsOfWhatIsTheSameAreHandedOn) {
  const auto kinds_of = [](std::string_view taken) {
    std::string out;
    for (
        const auto& [name, kinds] :
        merged(
            R"({"paths":{"/apis/m.io/v1/x":{"$ref":"#/definitions/A"}},"definitions":{"A":{"type":"object","x-kubernetes-group-version-kind":[{"kind":"A"}]}}})",
            taken)
            .kinds)
      out += name + " " + codec::to_json(Value(kinds));
    return out;
  };
  EXPECT_EQ(kinds_of("{}"), "") << "taken whole";
  EXPECT_EQ(kinds_of(R"({"A":{"type":"object"}})"), R"(A [{"kind":"A"}])");
  EXPECT_EQ(kinds_of(R"({"A":{"type":"string"}})"), "") << "renamed, and taken whole";
  EXPECT_EQ(kinds_of(R"({"A":{"type":"string"},"A_v2":{"type":"object"}})"), R"(A_v2 [{"kind":"A"}])");
}

TEST(MergeV2, WhatClashesIsRenamed) {
  constexpr std::string_view document =
      R"({"paths":{"/apis/m.io/v1/x":{"$ref":"#/definitions/A"}},"definitions":{"A":{"properties":{"a":{"$ref":"#/definitions/A"}}},"A_v3":{"type":"null"}}})";
  check(document, R"({"A":{"type":"object"}})", R"({"/apis/m.io/v1/x":{"$ref":"#/definitions/A_v2"}})",
        R"({"A_v2":{"properties":{"a":{"$ref":"#/definitions/A_v2"}}}})");
  check(document, R"({"A":{"type":"object"},"A_v2":{"type":"string"}})", R"({"/apis/m.io/v1/x":{"$ref":"#/definitions/A_v4"}})",
        R"({"A_v4":{"properties":{"a":{"$ref":"#/definitions/A_v4"}}}})");
  check(document, R"({"A":{"type":"object"},"A_v2":{"properties":{"a":{"$ref":"#/definitions/A"}}}})",
        R"({"/apis/m.io/v1/x":{"$ref":"#/definitions/A_v2"}})", "{}");
}

TEST(MergeV2, ADescriptionMayBeAProperty) {
  check(R"({"paths":{"/apis/m.io/v1/x":{"$ref":"#/definitions/A"}},"definitions":{"A":{"properties":{"description":{"type":"string"}}}}})",
        R"({"A":{"properties":{"description":{"type":"integer"}}}})", R"({"/apis/m.io/v1/x":{"$ref":"#/definitions/A_v2"}})",
        R"({"A_v2":{"properties":{"description":{"type":"string"}}}})");
}

TEST(MergeV2, HostileDocumentsAreBoundedAndNeverFollowed) {
  for (const std::string_view odd :
       {"null", "[]", R"({"paths":[]})", R"({"paths":{"/apis/m.io/v1/x":7}})", R"({"paths":{"/apis/m.io/v1/x":{}},"definitions":7})"})
    EXPECT_EQ(codec::to_json(merged(odd, "{}").definitions), "{}") << odd;
  check(R"({"paths":{"/apis/m.io/v1/x":{"a":{"$ref":7},"b":{"$ref":"#/definitions/Gone"},"c":{"$ref":"http://other/#A"}}},"definitions":{}})", "{}",
        R"({"/apis/m.io/v1/x":{"a":{"$ref":7},"b":{"$ref":"#/definitions/Gone"},"c":{"$ref":"http://other/#A"}}})", "{}");
  std::string many = R"({"paths":{"/apis/m.io/v1/x":[]},"definitions":{)", refs;
  for (std::size_t i = 0; i < merged_members_max + 100; ++i) {
    many += (i ? ",\"D" : "\"D") + std::to_string(i) + "\":{}";
    refs += (i ? ",{\"$ref\":\"#/definitions/D" : "{\"$ref\":\"#/definitions/D") + std::to_string(i) + "\"}";
  }
  many.replace(many.find("[]"), 2, "{\"all\":[" + refs + "]}");
  EXPECT_EQ(merged(many + "}}", "{}").definitions.as_object().size(), merged_members_max - 1);
}

}  // namespace
}  // namespace pintle::apiserver::published

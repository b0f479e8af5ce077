#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"

#include <gtest/gtest.h>

#include "apimachinery/patch/json_patch.h"
#include "apimachinery/patch/strategic_patch.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;

Value json(std::string_view text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? std::move(*value) : Value();
}

std::string shown(const Result<Value>& result) { return result ? codec::to_json(*result) : std::to_string(result.error().http()); }

void check_json_patch(std::string_view document, std::string_view patch, std::string_view expected) {
  EXPECT_EQ(shown(apply_json_patch(json(document), json(patch))), expected) << patch;
}

TEST(JsonPatch, Operations) {
  check_json_patch(R"({"a":1})", R"([{"op":"add","path":"/b","value":[1]}])", R"({"a":1,"b":[1]})");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/1","value":9}])", R"({"a":[1,9,2]})");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-","value":9}])", R"({"a":[1,2,9]})");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-1","value":9}])", R"({"a":[1,2,9]})");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/3","value":9}])", "422");
  check_json_patch(R"({"a":[1,2]})", R"([{"op":"add","path":"/a/x","value":9}])", "422");
  check_json_patch(R"({"a":1})", R"([{"op":"remove","path":"/a"}])", "{}");
  check_json_patch(R"({"a":1})", R"([{"op":"add","path":"/a/b/c","value":9}])", "422");
  check_json_patch(R"("a")", R"([{"op":"add","path":"/a/b","value":9}])", "422");
  check_json_patch(R"({"a":1})", R"([{"op":"remove","path":"/b"}])", "422");
  check_json_patch(R"({"a":1})", R"([{"op":"replace","path":"/a","value":{"x":null}}])", R"({"a":{"x":null}})");
  check_json_patch(R"({"a":1})", R"([{"op":"replace","path":"/b","value":2}])", R"({"a":1,"b":2})");
  check_json_patch(R"({"a":1})", R"([{"op":"replace","path":"","value":{"x":1}}])", R"({"x":1})");
  check_json_patch(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c"}])", R"({"a":{},"c":1})");
  check_json_patch(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/x","path":"/c"}])", "422");
  check_json_patch(R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])", R"({"a":{"b":1},"c":{"b":1}})");
  check_json_patch(R"({"a/b":{"~":1}})", R"([{"op":"replace","path":"/a~1b/~0","value":2}])", R"({"a/b":{"~":2}})");
}

TEST(JsonPatch, Tests) {
  check_json_patch(R"({"a":{"b":[1]}})", R"([{"op":"test","path":"/a","value":{"b":[1]}}])", R"({"a":{"b":[1]}})");
  check_json_patch(R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", "422");
  check_json_patch(R"({"a":1})", R"([{"op":"test","path":"/b","value":null}])", R"({"a":1})");
  check_json_patch(R"({"a":1})", R"([{"op":"test","path":"/x/y","value":1}])", "422");
}

TEST(JsonPatch, Malformed) {
  check_json_patch("{}", R"({"not":"list"})", "400");
  check_json_patch("{}", R"([1])", "400");
  check_json_patch("{}", R"([{"op":"nope","path":"/x"}])", "422");
  check_json_patch("{}", R"([{"op":"add","value":1}])", "422");
  check_json_patch("{}", R"([{"op":"copy","path":"/x"}])", "422");
  check_json_patch("{}", R"([{"op":"add","path":"","value":1}])", "422");
  check_json_patch("{}", "[" + std::string(R"({"op":"remove","path":"/x"})") + "]", "422");
}

TEST(JsonPatch, Limits) {
  Value::Array many;
  for (std::size_t i = 0; i <= json_patch_operations_max; ++i) many.push_back(json(R"({"op":"add","path":"/a","value":1})"));
  EXPECT_EQ(shown(apply_json_patch(Value::Object{}, Value(many))), "413");
  many.pop_back();
  EXPECT_EQ(shown(apply_json_patch(Value::Object{}, Value(many))), R"({"a":1})");

  Value::Array doubling;  // copies the document into itself again and again
  for (int i = 0; i < 40; ++i) doubling.push_back(json(R"({"op":"copy","from":"/a","path":"/a/-"})"));
  EXPECT_EQ(shown(apply_json_patch(json(R"({"a":[1]})"), Value(doubling))), "422");
}

void check_merge_patch(std::string_view document, std::string_view patch, std::string_view expected) {
  EXPECT_EQ(shown(apply_merge_patch(json(document), json(patch))), expected) << patch;
}

TEST(MergePatch, Rfc7386) {
  check_merge_patch(R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})");
  check_merge_patch(R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})");
  check_merge_patch(R"({"a":"b"})", R"({"a":null})", "{}");
  check_merge_patch(R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})");
  check_merge_patch(R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})");
  check_merge_patch(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})");
  check_merge_patch(R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})");
  check_merge_patch(R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})");
  check_merge_patch("{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})");
  check_merge_patch(R"({"a":1})", R"([1])", "400");
}

void check_strategic(const api::Type& type, std::string_view document, std::string_view patch, std::string_view expected) {
  EXPECT_EQ(shown(apply_strategic_patch(json(document), json(patch), type)), expected) << patch;
}
const api::Type& pod() { return api::type_of<api::core_v1::Pod>(); }

TEST(StrategicPatch, MergesListsByKey) {
  constexpr auto two = R"({"spec":{"containers":[{"image":"1","name":"a"},{"image":"2","name":"b"}]}})";
  check_strategic(pod(), two, R"({"spec":{"containers":[{"name":"b","image":"3"}]}})",
                  R"({"spec":{"containers":[{"image":"1","name":"a"},{"image":"3","name":"b"}]}})");
  check_strategic(pod(), two, R"({"spec":{"containers":[{"name":"c","image":"3"}]}})",
                  R"({"spec":{"containers":[{"image":"3","name":"c"},{"image":"1","name":"a"},{"image":"2","name":"b"}]}})");
  check_strategic(pod(), two, R"({"spec":{"containers":[{"name":"a","$patch":"delete"}]}})", R"({"spec":{"containers":[{"image":"2","name":"b"}]}})");
  check_strategic(pod(), two, R"({"spec":{"containers":[{"$patch":"replace"},{"name":"z","image":"9"}]}})",
                  R"({"spec":{"containers":[{"image":"9","name":"z"}]}})");
  check_strategic(pod(), two, R"({"spec":{"containers":[{"image":"9"}]}})", "500");
  check_strategic(pod(), two, R"({"spec":{"containers":["a"]}})", "500");  // upstream counts it as its own fault, too
  check_strategic(pod(), two, R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}})",
                  R"({"spec":{"containers":[{"image":"2","name":"b"},{"image":"1","name":"a"}]}})");
  check_strategic(pod(), two,
                  R"({"spec":{"$setElementOrder/containers":[{"name":"a"},{"name":"c"},{"name":"b"}],"containers":[{"name":"c","image":"3"}]}})",
                  R"({"spec":{"containers":[{"image":"1","name":"a"},{"image":"3","name":"c"},{"image":"2","name":"b"}]}})");
}

TEST(StrategicPatch, AtomicListsAreReplaced) {
  check_strategic(pod(), R"({"spec":{"containers":[{"name":"a","command":["x","y"]}]}})", R"({"spec":{"containers":[{"name":"a","command":["z"]}]}})",
                  R"({"spec":{"containers":[{"command":["z"],"name":"a"}]}})");
}

TEST(StrategicPatch, MapsAndScalars) {
  check_strategic(pod(), R"({"metadata":{"labels":{"a":"1","b":"2"}}})", R"({"metadata":{"labels":{"a":null,"c":"3"}}})",
                  R"({"metadata":{"labels":{"b":"2","c":"3"}}})");
  check_strategic(pod(), R"({"metadata":{"labels":{"a":"1"}}})", R"({"metadata":{"labels":{"$patch":"replace","c":"3"}}})",
                  R"({"metadata":{"labels":{"c":"3"}}})");
  check_strategic(pod(), R"({"metadata":{"labels":{"a":"1"}}})", R"({"metadata":{"labels":{"$patch":"delete"}}})", R"({"metadata":{"labels":{}}})");
  check_strategic(pod(), R"({"spec":{"nodeName":"x"}})", R"({"spec":{"nodeName":null,"hostname":"h"}})", R"({"spec":{"hostname":"h"}})");
  check_strategic(pod(), "{}", R"({"metadata":{"labels":{"a":null,"b":"1"}}})", R"({"metadata":{"labels":{"b":"1"}}})");
}

TEST(StrategicPatch, PrimitiveLists) {
  constexpr auto document = R"({"metadata":{"finalizers":["a","b","c"]}})";
  check_strategic(pod(), document, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["b"]}})", R"({"metadata":{"finalizers":["a","c"]}})");
  check_strategic(pod(), document, R"({"metadata":{"finalizers":["d","a"]}})", R"({"metadata":{"finalizers":["d","a","b","c"]}})");
  check_strategic(pod(), document, R"({"metadata":{"$deleteFromPrimitiveList":["b"]}})", "400");
}

TEST(StrategicPatch, RetainKeys) {
  const api::Type& deployment = api::type_of<api::apps_v1::Deployment>();
  constexpr auto document = R"({"spec":{"strategy":{"rollingUpdate":{"maxSurge":1},"type":"RollingUpdate"}}})";
  check_strategic(deployment, document, R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})",
                  R"({"spec":{"strategy":{"type":"Recreate"}}})");
  check_strategic(deployment, document, R"({"spec":{"strategy":{"$retainKeys":[],"type":"Recreate"}}})", "400");
}

TEST(StrategicPatch, Malformed) {
  check_strategic(pod(), "{}", "[]", "400");
  check_strategic(pod(), R"({"spec":{}})", R"({"spec":{"$patch":"what"}})", "422");
}

}  // namespace
}  // namespace pintle::apimachinery

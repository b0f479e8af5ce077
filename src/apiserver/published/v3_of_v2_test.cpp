#include "apiserver/published/v3_of_v2.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::apiserver::published {
namespace {

codec::Value parsed(std::string_view text) {
  auto value = codec::parse_json(text);
  EXPECT_TRUE(value) << text;
  return value ? std::move(*value) : codec::Value();
}

void check_v3(std::string_view v2, std::string_view v3) {
  EXPECT_EQ(codec::to_json(v3_of_v2(parsed(v2), "/apis/m.io/v1")), codec::to_json(parsed(v3))) << v2;
}

TEST(V3OfV2, HoldsThePathsOfTheGroupVersionWithWhatTheyReach) {
  check_v3(
      R"({"info":{"title":"T","version":"1"},"paths":{"/apis/m.io/v1/":{"get":{"operationId":"a","consumes":["a/b"],"schemes":["https"],"x-k":1}},
                "/apis/m.io/v1beta1/x":{"get":{}},"/api/v1/pods":{"get":{}}},"definitions":{"Never":{}}})",
      R"({"openapi":"3.0.0","info":{"title":"T","version":"1"},"paths":{"/apis/m.io/v1/":{"get":{"operationId":"a","x-k":1}}},"components":{"schemas":{}}})");
  check_v3(
      R"({"paths":{"/apis/m.io/v1":{"get":{"produces":["a/b","c/d"],"responses":{"200":{"description":"OK","schema":{"$ref":"#/definitions/A"}},"401":{"description":"No"}}}}},
                "definitions":{"A":{"type":"object","properties":{"b":{"$ref":"#/definitions/B"},"c":{"type":"array","items":{"$ref":"#/definitions/A"}}}},
                               "B":{"$ref":"#/definitions/Gone"},"C":{}}})",
      R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":""},"paths":{"/apis/m.io/v1":{"get":{"responses":{"200":{"description":"OK",
                "content":{"a/b":{"schema":{"$ref":"#/components/schemas/A"}},"c/d":{"schema":{"$ref":"#/components/schemas/A"}}}},"401":{"description":"No"}}}}},
                "components":{"schemas":{"A":{"type":"object","properties":{"b":{"$ref":"#/components/schemas/B"},"c":{"type":"array","items":{"$ref":"#/components/schemas/A"}}}},
                                         "B":{"$ref":"#/components/schemas/Gone"}}}})");
}

TEST(V3OfV2, TellsBodiesFromParameters) {
  check_v3(
      R"({"consumes":["d/e"],"paths":{"/apis/m.io/v1/t/{name}":{"parameters":[{"name":"name","in":"path","required":true,"type":"string","uniqueItems":true,"description":"N"},
                 {"$ref":"#/parameters/pretty"},{"$ref":"#/parameters/gone"},{"name":"f","in":"formData","type":"file"}],
               "put":{"parameters":[{"name":"body","in":"body","required":true,"description":"B","schema":{"$ref":"#/definitions/A"}}]},
               "delete":{"consumes":["x/y"],"parameters":[{"$ref":"#/parameters/body-1"}]}}},
             "parameters":{"pretty":{"name":"pretty","in":"query","type":"string"},"body-1":{"name":"body","in":"body","schema":{"type":"object"}}},"definitions":{"A":{}}})",
      R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":""},"paths":{"/apis/m.io/v1/t/{name}":{
               "put":{"requestBody":{"description":"B","required":true,"content":{"d/e":{"schema":{"$ref":"#/components/schemas/A"}}}}},
               "delete":{"requestBody":{"content":{"x/y":{"schema":{"type":"object"}}}}},
               "parameters":[{"name":"name","in":"path","required":true,"description":"N","schema":{"type":"string","uniqueItems":true}},
                             {"name":"pretty","in":"query","schema":{"type":"string"}}]}},"components":{"schemas":{"A":{}}}})");
}

TEST(V3OfV2, ReadsWhatIsNoDocument) {
  for (const char* text : {"{}", R"({"paths":1})", R"({"paths":{"/apis/m.io/v1/a":1}})", R"({"paths":{"/apis/m.io/v10/a":{}}})"})
    EXPECT_TRUE(v3_of_v2(parsed(text), "/apis/m.io/v1").is_null()) << text;
  const auto odd = v3_of_v2(
      parsed(R"({"paths":{"/apis/m.io/v1/a":{"get":{"parameters":[1,{}],"responses":[],"consumes":{}},"put":3,"parameters":{}}},"definitions":7})"),
      "/apis/m.io/v1");
  EXPECT_FALSE(odd.is_null());
}

}  // namespace
}  // namespace pintle::apiserver::published

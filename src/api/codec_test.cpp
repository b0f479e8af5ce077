// The walkers over generated types.
#include "api/codec.h"

#include <gtest/gtest.h>

#include "api/gen/apiextensions_v1.h"
#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/rbac_v1.h"
#include "api/object.h"
#include "codec/json.h"
#include "codec/limits.h"
#include "codec/proto_wire.h"

namespace pintle::api {
namespace {

template <class T>
std::string json_of(const T& value) {
  std::string out;
  encode_json(type_of<T>(), &value, out);
  return out;
}

template <class T>
std::string proto_of(const T& value) {
  std::string out;
  encode_proto(type_of<T>(), &value, out);
  return out;
}

// JSON through a struct and back; "refused: ..." where it is.
template <class T>
void check_json(std::string_view json, std::string_view want) {
  T value;
  const auto decoded = decode_json(json, type_of<T>(), &value);
  EXPECT_EQ(decoded ? json_of(value) : "refused: " + decoded.error().message, want) << json;
  if (!decoded) return;
  // The three other ways to the same text.
  T back;
  const std::string bytes = proto_of(value);
  ASSERT_TRUE(decode_proto(bytes, type_of<T>(), &back));
  EXPECT_EQ(json_of(back), want);
  EXPECT_TRUE(equal(type_of<T>(), &value, &back)) << json;
  std::string transcoded;
  ASSERT_TRUE(transcode_json(type_of<T>(), bytes, transcoded));
  EXPECT_EQ(transcoded, want);
}

// Upstream's conversion fills in what the items are; protobuf cannot say it.
TEST(Encode, ClaimTemplatesShowTheirKind) {
  constexpr std::string_view bare =
      R"({"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"volumeClaimTemplates":[{"metadata":{"name":"a"},"spec":{"resources":{}},"status":{}},{"metadata":{"name":"b"},"spec":{"resources":{}},"status":{}}],"serviceName":"s","updateStrategy":{}})";
  std::string shown(bare);
  for (const std::string_view name : {"a", "b"}) {
    const std::string item = R"({"metadata":{"name":")" + std::string(name) + "\"}";
    shown.insert(shown.find(item) + 1, R"("kind":"PersistentVolumeClaim","apiVersion":"v1",)");
  }
  check_json<apps_v1::StatefulSetSpec>(bare, shown);
  check_json<apps_v1::StatefulSetSpec>(shown, shown);
  apps_v1::StatefulSetSpec spec;
  DecodeReport report;
  ASSERT_TRUE(decode_json(shown, type_of<apps_v1::StatefulSetSpec>(), &spec, Strictness::Collect, &report));
  EXPECT_TRUE(report.problems.empty()) << report.problems.front();
  core_v1::PersistentVolumeClaimList list;
  list.items = spec.volume_claim_templates;
  EXPECT_EQ(json_of(list).find("apiVersion"), std::string::npos) << "items of lists do not";
}

TEST(Decode, WhatGoLeavesOutAndWhatNot) {
  check_json<core_v1::ConfigMap>("{}", R"({"metadata":{}})");
  check_json<core_v1::ConfigMap>(R"({"apiVersion":"v1","kind":"ConfigMap","data":null,"metadata":{"creationTimestamp":null}})", R"({"metadata":{}})");
  check_json<core_v1::ServicePort>(R"({"port":80})", R"({"port":80,"targetPort":0})");
  check_json<core_v1::ServicePort>(R"({"port":80,"targetPort":"http"})", R"({"port":80,"targetPort":"http"})");
  check_json<core_v1::Container>(R"({"name":"a"})", R"({"name":"a","resources":{}})");
  check_json<core_v1::ContainerState>("{}", "{}");
  check_json<core_v1::PodCondition>(R"({"type":"Ready","status":"True"})",
                                    R"({"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":null})");
  check_json<rbac_v1::PolicyRule>("{}", R"({"verbs":null})");
  check_json<core_v1::Secret>(R"({"data":{"a":"","b":"eA=="}})", R"({"metadata":{},"data":{"a":"","b":"eA=="}})");
}

TEST(Decode, TypeErrorsNameThePath) {
  check_json<core_v1::Pod>(R"({"metadata":{"name":1}})", "refused: json: metadata.name: expected a string, found a number");
  check_json<core_v1::Pod>(R"({"spec":{"containers":[{},{"ports":[{"containerPort":"x"}]}]}})",
                           "refused: json: spec.containers[1].ports[0].containerPort: expected a 32-bit integer, found a string");
  check_json<core_v1::Pod>(R"({"spec":{"priority":1.5}})", "refused: json: spec.priority: expected a 32-bit integer, found the number 1.5");
  check_json<core_v1::Pod>(R"({"spec":{"priority":3000000000}})",
                           "refused: json: spec.priority: expected a 32-bit integer, found the number 3000000000");
  check_json<core_v1::Pod>(R"({"spec":[]})", "refused: json: spec: expected an object, found an array");
  check_json<core_v1::Pod>(R"({"metadata":{"labels":{"a":true}}})", "refused: json: metadata.labels.a: expected a string, found a boolean");
  check_json<core_v1::Pod>(R"({"metadata":{"creationTimestamp":"x"}})", "refused: json: metadata.creationTimestamp: not an RFC 3339 time: \"x\"");
  check_json<core_v1::Secret>(R"({"data":{"a":"?"}})", "refused: json: data.a: the string is not base64");
  check_json<core_v1::Pod>("[]", "refused: json: expected an object, found an array");
  check_json<core_v1::Pod>(R"({"kind":1})", "refused: json: kind: expected a string, found a number");
  check_json<core_v1::Pod>(R"({"spec":[],"x")", "refused: invalid JSON at offset 14: the text ends where it needs ':'");
}

void check_problems(std::string_view json, std::vector<std::string> want) {
  core_v1::Pod pod;
  DecodeReport report;
  ASSERT_TRUE(decode_json(json, type_of<core_v1::Pod>(), &pod, Strictness::Collect, &report)) << json;
  EXPECT_EQ(report.problems, want) << json;
}

TEST(Decode, StrictnessReportsAsUpstream) {
  check_problems(R"({"apiVersion":"v1","kind":"Pod","spec":{"bogus":1,"containers":[{"name":"a","Name":"b","bogus":{"x":1}}]},"x":[]})",
                 {R"(unknown field "spec.bogus")", R"(unknown field "spec.containers[0].Name")", R"(unknown field "spec.containers[0].bogus")",
                  R"(unknown field "x")"});
  check_problems(R"({"metadata":{"name":"a","name":"b","labels":{"k":"1","j":"2","k":"3"}},"kind":"Pod","kind":"Pod"})",
                 {R"(duplicate field "metadata.name")", R"(duplicate field "metadata.labels.k")", R"(duplicate field "kind")"});
  std::string many = "{";
  for (int i = 0; i < 300; ++i) many += "\"x" + std::to_string(i) + "\":0,";
  many.back() = '}';
  core_v1::Pod pod;
  DecodeReport report;
  ASSERT_TRUE(decode_json(many, type_of<core_v1::Pod>(), &pod, Strictness::Collect, &report));
  EXPECT_EQ(report.problems.size(), 100u);
}

TEST(Decode, RawExtensionKeepsTheBytesAndIsWrittenCompact) {
  check_json<apps_v1::ControllerRevision>(R"({"data": {"b": [1,  2], "a": "&"}})", R"({"metadata":{},"data":{"b":[1,2],"a":"\u0026"},"revision":0})");
  apps_v1::ControllerRevision revision;
  ASSERT_TRUE(decode_json(R"({"data": {"b": [1,  2], "a": "&"}, "revision": 1})", type_of<apps_v1::ControllerRevision>(), &revision));
  EXPECT_EQ(revision.data.raw, R"({"b": [1,  2], "a": "&"})");
}

TEST(Decode, LastDuplicateWins) {
  check_json<core_v1::ConfigMap>(R"({"data":{"b":"1","a":"2","b":"3"}})", R"({"metadata":{},"data":{"a":"2","b":"3"}})");
}

TEST(Decode, Unions) {
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"additionalProperties":true})", R"({"additionalProperties":true})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"additionalProperties":false})", R"({"additionalProperties":false})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"additionalProperties":{"type":"string"}})", R"({"additionalProperties":{"type":"string"}})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"items":{"type":"string"}})", R"({"items":{"type":"string"}})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"items":[{"type":"string"},{}]})", R"({"items":[{"type":"string"},{}]})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"dependencies":{"a":["x"],"b":{"type":"string"}}})",
                                                R"({"dependencies":{"a":["x"],"b":{"type":"string"}}})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"default": {"z": 1, "a": [ "<" ]},"maximum":1.5,"maxLength":-1})",
                                                R"({"default":{"z":1,"a":["\u003c"]},"maximum":1.5,"maxLength":-1})");
  check_json<apiextensions_v1::JSONSchemaProps>(R"({"items":1})", "refused: json: items: expected an object or an array, found a number");
}

TEST(Decode, DepthHasALimit) {
  using Schema = apiextensions_v1::JSONSchemaProps;
  std::string json, end;
  for (int i = 1; i < codec::nesting_max; ++i) {
    json += R"({"not":)";
    end += '}';
  }
  // What JSON may nest is stored and read back; what was made otherwise is refused where it would be read.
  Schema deep, back;
  ASSERT_TRUE(decode_json(json + "{}" + end, type_of<Schema>(), &deep));
  EXPECT_FALSE(decode_json(json + R"({"not":{}})" + end, type_of<Schema>(), &back));
  std::string out;
  EXPECT_TRUE(decode_proto(proto_of(deep), type_of<Schema>(), &back));
  EXPECT_TRUE(transcode_json(type_of<Schema>(), proto_of(deep), out));
  for (int i = 0; i < proto_depth_max; ++i) {
    Schema outer;
    outer.not_ = std::move(deep);
    deep = std::move(outer);
  }
  EXPECT_FALSE(decode_proto(proto_of(deep), type_of<Schema>(), &back));
  EXPECT_FALSE(transcode_json(type_of<Schema>(), proto_of(deep), out));
}

TEST(Decode, LargeUnsortedMapIsNotQuadratic) {
  std::string json = R"({"data":{)";
  for (int i = 200000; i > 0; --i) json += "\"" + std::to_string(i) + "\":\"\",";
  json.back() = '}';
  core_v1::ConfigMap map;
  ASSERT_TRUE(decode_json(json + "}", type_of<core_v1::ConfigMap>(), &map));
  EXPECT_EQ(map.data.size(), 200000u);
}

// Protobuf that no encoder of ours writes: fields out of order, scalars repeated, messages in pieces, maps unsorted.
TEST(Proto, TakesWhatProtobufAllows) {
  const auto field = [](uint32_t number, std::string_view bytes) {
    std::string out;
    codec::append_bytes_field(number, bytes, out);
    return out;
  };
  const auto entry = [&](std::string_view key, std::string_view value) { return field(2, field(2, value) + field(1, key)); };
  const std::string bytes = entry("b", "1") + field(1, field(1, "old")) + entry("a", "2") + field(1, field(3, "ns") + field(1, "new")) +
                            entry("b", "3") + field(99, "unknown");
  core_v1::ConfigMap map;
  ASSERT_TRUE(decode_proto(bytes, type_of<core_v1::ConfigMap>(), &map));
  const std::string want = R"({"metadata":{"name":"new","namespace":"ns"},"data":{"a":"2","b":"3"}})";
  EXPECT_EQ(json_of(map), want);
  std::string transcoded;
  ASSERT_TRUE(transcode_json(type_of<core_v1::ConfigMap>(), bytes, transcoded));
  EXPECT_EQ(transcoded, want);
}

TEST(Proto, RefusesBadInput) {
  core_v1::Pod pod;
  for (const std::string& bytes :
       {std::string("\x0A"),
        std::string("\x0A\x05"
                    "abc"),
        std::string("\x08\x01"), std::string("\x0A\x02\x08\x01"), std::string("\xFF\xFF\xFF\xFF\xFF\xFF"), std::string(1, '\0')})
    EXPECT_FALSE(decode_proto(bytes, type_of<core_v1::Pod>(), &pod));
}

TEST(Envelope, RoundTrip) {
  const GroupVersionKind kind{"apps", "v1", "Deployment"};
  const std::string bytes = encode_envelope(kind, "raw");
  EXPECT_TRUE(has_envelope(bytes));
  const auto envelope = decode_envelope(bytes);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->api_version, "apps/v1");
  EXPECT_EQ(envelope->kind, "Deployment");
  EXPECT_EQ(envelope->raw, "raw");
  EXPECT_FALSE(decode_envelope("raw"));
  for (std::size_t n = 0; n < bytes.size() - 4; ++n) (void)decode_envelope(std::string_view(bytes).substr(0, n));
  EXPECT_FALSE(decode_envelope(std::string_view(bytes).substr(0, 7)));
}

TEST(Envelope, RawExtensionShowsWhatItCarries) {
  core_v1::ConfigMap inner;
  inner.metadata.name = "x";
  RawExtension raw;
  raw.raw = encode_envelope({"", "v1", "ConfigMap"}, proto_of(inner));
  raw.content_type = "application/vnd.kubernetes.protobuf";
  const KindInfo* list = find_kind("", "v1", "List");
  if (list == nullptr) GTEST_SKIP() << "the schema has no v1.List";
  std::string bytes;
  codec::append_bytes_field(
      2,
      [&] {
        std::string item;
        codec::append_bytes_field(1, raw.raw, item);
        return item;
      }(),
      bytes);
  std::string json;
  ASSERT_TRUE(transcode_json(*list->type, bytes, json));
  EXPECT_EQ(json, R"({"metadata":{},"items":[{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x"}}]})");
}

TEST(Value, ToAndFrom) {
  core_v1::ConfigMap map;
  map.metadata.name = "x";
  map.data["k"] = "v";
  const GroupVersionKind kind{"", "v1", "ConfigMap"};
  const codec::Value value = to_value(type_of<core_v1::ConfigMap>(), &map, &kind);
  EXPECT_EQ(codec::to_json(value), R"({"apiVersion":"v1","data":{"k":"v"},"kind":"ConfigMap","metadata":{"name":"x"}})");
  core_v1::ConfigMap back;
  ASSERT_TRUE(decode_value(value, type_of<core_v1::ConfigMap>(), &back));
  EXPECT_TRUE(equal(type_of<core_v1::ConfigMap>(), &map, &back));
}

}  // namespace
}  // namespace pintle::api

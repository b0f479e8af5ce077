#include "api/custom_object.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/untrusted.h"
#include "codec/json.h"

namespace pintle::api {
namespace {

constexpr std::string_view widget =
    R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","labels":{"a":"b"}},"spec":{"size":3,"parts":[1,2.5,"x",null,{}]},"z":true})";

CustomObject decoded(std::string_view json) {
  CustomObject object;
  const auto done = decode_untrusted_json(json, type_of<CustomObject>(), &object);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return object;
}

TEST(CustomObject, MetadataIsTypedAndTheRestADocument) {
  const CustomObject object = decoded(widget);
  EXPECT_EQ(object.metadata.name, "w");
  EXPECT_EQ(codec::to_json(object.rest.members), R"({"spec":{"parts":[1,2.5,"x",null,{}],"size":3},"z":true})");
  std::string json;
  const GroupVersionKind kind{"example.com", "v1", "Widget"};
  encode_json(type_of<CustomObject>(), &object, json, &kind);
  EXPECT_EQ(codec::parse_json(json).value_or(codec::Value()).find("spec")->find("size")->as_int(), 3);
  EXPECT_TRUE(equal(type_of<CustomObject>(), &object, std::make_unique<CustomObject>(decoded(json)).get()));
  std::string bare;
  const CustomObject empty;
  encode_json(type_of<CustomObject>(), &empty, bare);
  EXPECT_EQ(bare, R"({"metadata":{}})");
}

TEST(CustomObject, ValuesOfObjectsAreCopiedAndCompared) {
  Object one = Object::of(decoded(widget)), two = one;
  EXPECT_TRUE(equal(one.type(), one.data(), two.data()));
  two.as<CustomObject>().rest.members["spec"]["size"] = 4;
  EXPECT_FALSE(equal(one.type(), one.data(), two.data()));
  EXPECT_EQ(to_value(two.type(), two.data()).find("spec")->find("size")->as_int(), 4);
}

TEST(CustomObject, WhatIsWrongIsTold) {
  CustomObject object;
  DecodeReport report;
  ASSERT_TRUE(decode_untrusted_json(R"({"metadata":{"name":"w","bogus":1},"spec":{"a":1,"a":2},"spec":{}})", type_of<CustomObject>(), &object,
                                    Strictness::Collect, &report));
  EXPECT_EQ(report.problems,
            (std::vector<std::string>{"unknown field \"metadata.bogus\"", "duplicate field \"spec.a\"", "duplicate field \"spec\""}));
  EXPECT_FALSE(decode_untrusted_json(R"({"spec":1e999})", type_of<CustomObject>(), &object));
  EXPECT_FALSE(decode_untrusted_json(R"({"metadata":[]})", type_of<CustomObject>(), &object));
  EXPECT_FALSE(decode_untrusted_json(R"({"kind":3})", type_of<CustomObject>(), &object));
}

TEST(CustomObject, MemoryIsBounded) {
  std::string many = R"({"spec":[)";
  for (std::size_t i = 0; i < codec::decoded_bytes_max / sizeof(codec::Value) + 2; ++i) many += "0,";
  many += "0]}";
  CustomObject object;
  const auto done = decode_untrusted_json(many, type_of<CustomObject>(), &object);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, Reason::RequestEntityTooLarge);
}

TEST(CustomObject, ProtobufIsRefused) {
  CustomObject object;
  EXPECT_FALSE(decode_untrusted_proto("", type_of<CustomObject>(), &object));
}

}  // namespace
}  // namespace pintle::api

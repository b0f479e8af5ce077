// Objects that are meant to take stack or memory out of proportion, and embedded values that are not what they should be.
#include "api/untrusted.h"

#include <gtest/gtest.h>

#include <string>

#include "api/defaults.h"
#include "api/gen/apiextensions_v1.h"
#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"
#include "codec/proto_wire.h"
#include "codec/stack_testing.h"

namespace pintle::api {
namespace {

using apiextensions_v1::CustomResourceDefinition;
using apiextensions_v1::JSONSchemaProps;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

template <class T>
int http_of_json(const std::string& json) {
  Object object(type_of<T>());
  const auto decoded = decode_untrusted_json(json, object.type(), object.data());
  return decoded ? 200 : decoded.error().http();
}

template <class T>
int http_of_proto(const std::string& bytes) {
  Object object(type_of<T>());
  const auto decoded = decode_untrusted_proto(bytes, object.type(), object.data());
  return decoded ? 200 : decoded.error().http();
}

std::string field(uint32_t number, std::string_view bytes) {
  std::string out;
  codec::append_bytes_field(number, bytes, out);
  return out;
}

// Every walker over one object.
void check_walkers(const std::string& json) {
  Object object(type_of<JSONSchemaProps>());
  const auto decoded = decode_untrusted_json(json, object.type(), object.data());
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  apply_defaults(object.type(), object.data());
  const Object copy = object;
  EXPECT_TRUE(equal(object.type(), object.data(), copy.data()));
  std::string proto, text, streamed;
  encode_proto(object.type(), object.data(), proto);
  Object again(object.type());
  ASSERT_TRUE(decode_proto(proto, again.type(), again.data()).has_value()) << "what is stored must read back";
  EXPECT_TRUE(equal(object.type(), object.data(), again.data()));
  encode_json(object.type(), object.data(), text);
  ASSERT_TRUE(transcode_json(object.type(), proto, streamed).has_value());
  EXPECT_EQ(streamed, text);
  EXPECT_TRUE(to_document(object.type(), object.data()).has_value());
}

TEST(Untrusted, SchemasNestToTheLimitAndNoDeeper) {
  codec::run_on_small_stack([] {
    const struct {
      const char *open, *close;
      int levels;
    } ways[] = {{"{\"not\":", "}", 1},
                {"{\"items\":", "}", 1},
                {"{\"additionalProperties\":", "}", 1},
                {"{\"allOf\":[", "]}", 2},
                {"{\"properties\":{\"a\":", "}}", 2},
                {"{\"items\":[", "]}", 2},
                {"{\"dependencies\":{\"a\":", "}}", 2},
                {"{\"definitions\":{\"a\":", "}}", 2}};
    for (const auto& way : ways) {
      const auto text = [&](int n) {
        return repeated(way.open, static_cast<std::size_t>(n)) + "{}" + repeated(way.close, static_cast<std::size_t>(n));
      };
      const int most = (codec::nesting_max - 1) / way.levels;
      check_walkers(text(most));
      EXPECT_EQ(http_of_json<JSONSchemaProps>(text(most + 1)), 400) << way.open;
      EXPECT_EQ(http_of_json<JSONSchemaProps>(text(200000)), 400) << way.open;
    }
  });
}

TEST(Untrusted, ProtobufNestsNoDeeper) {
  codec::run_on_small_stack([] {
    const auto* not_field = type_of<JSONSchemaProps>().find_field("not");
    const auto* all_of = type_of<JSONSchemaProps>().find_field("allOf");
    ASSERT_TRUE(not_field != nullptr && all_of != nullptr);
    const auto message = [](uint32_t number, int depth) {
      std::string out;
      for (int i = 1; i < depth; ++i) out = field(number, out);
      return out;
    };
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(message(not_field->proto, codec::nesting_max)), 200);
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(message(not_field->proto, codec::nesting_max + 1)), 400);
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(message(all_of->proto, codec::nesting_max / 2)), 200);
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(message(all_of->proto, codec::nesting_max / 2 + 1)), 400);
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(message(not_field->proto, 20000)), 400);
  });
}

TEST(Untrusted, MemoryHasALimit) {
  // Three bytes in JSON, two in protobuf, make a struct of half a kilobyte.
  const std::size_t n = codec::decoded_bytes_max / sizeof(core_v1::Container);
  const auto pod = [](std::size_t containers) { return "{\"spec\":{\"containers\":[{}" + repeated(",{}", containers - 1) + "]}}"; };
  EXPECT_EQ(http_of_json<core_v1::Pod>(pod(n - 10)), 200);
  EXPECT_EQ(http_of_json<core_v1::Pod>(pod(n + 1)), 413);
  const uint32_t containers = type_of<core_v1::PodSpec>().find_field("containers")->proto;
  const uint32_t spec = type_of<core_v1::Pod>().find_field("spec")->proto;
  EXPECT_EQ(http_of_proto<core_v1::Pod>(field(spec, repeated(field(containers, ""), n - 10))), 200);
  EXPECT_EQ(http_of_proto<core_v1::Pod>(field(spec, repeated(field(containers, ""), n + 1))), 413);
  std::string properties = "{\"properties\":{";
  for (std::size_t i = 0; i < 40000; ++i) properties += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":{}";
  EXPECT_EQ(http_of_json<JSONSchemaProps>(properties + "}}"), 413);
  // An ordinary large object is far from it.
  const std::string data(3 << 20, 'x');
  EXPECT_EQ(http_of_json<core_v1::ConfigMap>("{\"data\":{\"a\":\"" + data + "\"}}"), 200);
}

TEST(Untrusted, EmbeddedJsonIsJson) {
  const uint32_t by_default = type_of<JSONSchemaProps>().find_field("default")->proto;
  const auto schema = [&](std::string_view raw) { return field(by_default, field(1, raw)); };
  EXPECT_EQ(http_of_proto<JSONSchemaProps>(schema(R"({"a":[1,2]})")), 200);
  for (const std::string& bad : {std::string("{{{{"), std::string("1 2"), std::string("\"a"), repeated("[", 1000)})
    EXPECT_EQ(http_of_proto<JSONSchemaProps>(schema(bad)), 400) << bad.substr(0, 20);
  const uint32_t data = type_of<apps_v1::ControllerRevision>().find_field("data")->proto;
  EXPECT_EQ(http_of_proto<apps_v1::ControllerRevision>(field(data, field(1, "{\"a\":1}"))), 200);
  EXPECT_EQ(http_of_proto<apps_v1::ControllerRevision>(field(data, field(1, "{\"a\":"))), 400);
}

TEST(Untrusted, WhatCannotBeReadBackIsAnError) {
  // Kept to the byte, as it is JSON; but no double holds the number.
  Object revision(type_of<apps_v1::ControllerRevision>());
  ASSERT_TRUE(decode_untrusted_json(R"({"data":{"a":1e999}})", revision.type(), revision.data()).has_value());
  EXPECT_EQ(to_document(revision.type(), revision.data()).error().http(), 400);
}

TEST(Untrusted, EnvelopesDoNotNestWithoutEnd) {
  codec::run_on_small_stack([] {
    const uint32_t data = type_of<apps_v1::ControllerRevision>().find_field("data")->proto;
    const auto nested = [&](int depth) {
      std::string message;
      for (int i = 0; i < depth; ++i) message = field(data, field(1, encode_envelope({"apps", "v1", "ControllerRevision"}, message)));
      return message;
    };
    for (const int depth : {1, envelopes_nested_max, envelopes_nested_max + 1, 3000}) {
      Object object(type_of<apps_v1::ControllerRevision>());
      ASSERT_TRUE(decode_untrusted_proto(nested(depth), object.type(), object.data()).has_value());
      std::string json;
      encode_json(object.type(), object.data(), json);
      int written = 0;
      for (std::size_t at = json.find("\"kind\""); at != std::string::npos; at = json.find("\"kind\"", at + 1)) ++written;
      EXPECT_EQ(written, std::min(depth, envelopes_nested_max)) << json;
    }
  });
}

}  // namespace
}  // namespace pintle::api

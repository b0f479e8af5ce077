#include "client/wire.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "client/watch_stream.h"
#include "codec/proto_wire.h"
#include "net/testing.h"
#include "rt/testing.h"

namespace pintle::client::wire {
namespace {

void check_failure(int code, std::string_view type, std::string_view body, Reason reason, std::string_view message) {
  const Status status = decode_failure(code, type, body);
  EXPECT_EQ(status.reason, reason) << body;
  EXPECT_EQ(status.message, message);
  EXPECT_EQ(status.http(), code);
}

TEST(Wire, Failures) {
  check_failure(404, "application/json", R"({"kind":"Status","message":"no","reason":"NotFound","code":404})", Reason::NotFound, "no");
  check_failure(409, "application/json", R"({"kind":"Status","message":"there","reason":"AlreadyExists"})", Reason::AlreadyExists, "there");
  check_failure(429, "application/json", R"({"kind":"Status","message":"later","reason":"SomethingNew","code":429})", Reason::TooManyRequests,
                "later");
  check_failure(403, "text/plain; charset=utf-8", "go away\n", Reason::Forbidden, "go away");
  check_failure(503, "text/html", "<html>", Reason::ServiceUnavailable, "the server is currently unable to handle the request");
  check_failure(404, "", "", Reason::NotFound, "the server could not find the requested resource");
  check_failure(404, "text/plain", "404 page not found\n", Reason::NotFound, "the server could not find the requested resource");
  check_failure(418, "", "", Reason::Unknown, "the server answered with an error");
  const Status details = decode_failure(
      422, "application/json",
      R"({"kind":"Status","reason":"Invalid","details":{"name":"n","kind":"k","causes":[{"reason":"r","message":"m","field":"f"}]},"code":422})");
  EXPECT_EQ(details.details.name, "n");
  ASSERT_EQ(details.details.causes.size(), 1u);
  EXPECT_EQ(details.details.causes[0], (StatusCause{"r", "m", "f"}));
  const Status bare = decode_failure(404, "text/plain", "404 page not found\n");
  EXPECT_EQ(bare.details.causes, (std::vector{StatusCause{"UnexpectedServerResponse", "404 page not found", ""}}));
}

api::Object pod(std::string name) {
  api::core_v1::Pod out;
  out.metadata.name = std::move(name);
  out.metadata.resource_version = "7";
  return api::Object::of(std::move(out));
}

TEST(Wire, ObjectsBothWays) {
  const Body body = encode(pod("web"));
  EXPECT_EQ(body.content_type, proto_media);
  auto back = decode_object(body.content_type, body.bytes.view(), api::type_of<api::core_v1::Pod>());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->as<api::core_v1::Pod>().metadata.name, "web");
  auto json = decode_object("application/json", R"({"metadata":{"name":"web"}})", api::type_of<api::core_v1::Pod>());
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->as<api::core_v1::Pod>().metadata.name, "web");
  auto list = decode_list("application/json", R"({"metadata":{"resourceVersion":"9","continue":"c"},"items":[{"metadata":{"name":"a"}},{}]})",
                          api::type_of<api::core_v1::Pod>());
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->items.size(), 2u);
  EXPECT_EQ(list->resource_version + list->continue_token, "9c");
  for (const char* bad : {"", "k8s", "{", "k8s\0\xff\xff"})
    EXPECT_FALSE(decode_list(proto_media, bad, api::type_of<api::core_v1::Pod>()).has_value());
}

std::string proto_frame(std::string_view type, std::string_view object) {
  std::string extension, event, out;
  codec::append_bytes_field(1, object, extension);
  codec::append_bytes_field(1, type, event);
  codec::append_bytes_field(2, extension, event);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(event.size() >> shift & 0xff);
  return out + event;
}

// "TYPE name@version" of each event, then why it ended.
std::string events(std::string content_type, std::string body, std::size_t piece) {
  return rt::testing::run_sim([=]() -> rt::Task<std::string> {
    auto watch = make_watch(api::type_of<api::core_v1::Pod>(), content_type, std::make_unique<net::testing::Pieces>(body, piece));
    std::string out;
    while (true) {
      auto event = co_await watch->next(rt::Context::background());
      if (!event) co_return out + std::string(reason_name(event.error().reason)) + ": " + event.error().message;
      const auto& meta = event->object.as<api::core_v1::Pod>().metadata;
      out += std::to_string(static_cast<int>(event->type)) + " " + meta.name + "@" + event->resource_version +
             (event->initial_events_end ? " end" : "") + ", ";
    }
  });
}

TEST(Wire, WatchEventsInPiecesOfAnySize) {
  const std::string lines = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}})"
                            "\n"
                            R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2","annotations":{"k8s.io/initial-events-end":"true"}}}})"
                            "\n";
  const std::string expired = R"({"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410,"message":"too old"}})"
                              "\n";
  api::core_v1::Pod marked;
  marked.metadata.resource_version = "2";
  marked.metadata.annotations["k8s.io/initial-events-end"] = "true";
  const std::string frames =
      proto_frame("DELETED", encode(pod("a")).bytes.view()) + proto_frame("BOOKMARK", encode(api::Object::of(marked)).bytes.view());
  for (const std::size_t piece : {1, 2, 3, 7, 64, 4096}) {
    EXPECT_EQ(events("application/json", lines, piece), "0 a@1, 3 @2 end, ServiceUnavailable: the watch has ended");
    EXPECT_EQ(events("application/json", expired, piece), "Expired: too old");
    EXPECT_EQ(events("application/vnd.kubernetes.protobuf;stream=watch", frames, piece), "2 a@7, 3 @2 end, ServiceUnavailable: the watch has ended");
  }
  EXPECT_EQ(events("application/json", "{\"type\":\"ODD\",\"object\":{}}\n", 9), "InternalError: unknown watch event type ODD");
  EXPECT_EQ(events("application/vnd.kubernetes.protobuf", std::string("\xff\xff\xff\xff", 4), 9),
            "InternalError: a watch event of more than 67108864 bytes");
  EXPECT_EQ(events("application/vnd.kubernetes.protobuf", proto_frame("ADDED", "junk"), 9).substr(0, 3),
            events("application/json", "junk\n", 9).substr(0, 3));
}

}  // namespace
}  // namespace pintle::client::wire

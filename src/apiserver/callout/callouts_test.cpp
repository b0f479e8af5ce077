#include "apiserver/callout/callouts.h"

#include <gtest/gtest.h>

#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/callout/words.h"
#include "net/server.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::callout {
namespace {

TEST(CalloutWords, Failures) {
  const auto told = [](Reason reason, const char* message) { return post_failure("https://h/", Status{reason, 0, message, {}}).message; };
  EXPECT_EQ(told(Reason::Timeout, "x"), "Post \"https://h/\": context deadline exceeded");
  EXPECT_EQ(told(Reason::Cancelled, "x"), "Post \"https://h/\": context canceled");
  EXPECT_EQ(told(Reason::ServiceUnavailable, "dial h: connect 10.0.0.1:443: Connection refused"),
            "Post \"https://h/\": dial tcp 10.0.0.1:443: connect: connection refused");
  EXPECT_EQ(told(Reason::ServiceUnavailable, "dial h: lookup h: Name or service not known"), "Post \"https://h/\": dial tcp: lookup h: no such host");
  EXPECT_EQ(told(Reason::ServiceUnavailable, "dial h: TLS: certificate verify failed: unable to get local issuer certificate"),
            "Post \"https://h/\": tls: failed to verify certificate: x509: certificate signed by unknown authority");
  EXPECT_EQ(told(Reason::ServiceUnavailable, "the peer closed the connection without an answer"), "Post \"https://h/\": EOF");
}

TEST(CalloutWords, Answers) {
  EXPECT_EQ(answer_failure(500, "text/plain", "boom\n").message, "an error on the server (\"boom\") has prevented the request from succeeding");
  EXPECT_EQ(answer_failure(500, "application/json", "{}").message, "an error on the server (\"unknown\") has prevented the request from succeeding");
  EXPECT_EQ(answer_failure(302, "text/html", "").message, "the server responded with the status code 302 but did not return more information");
  EXPECT_EQ(answer_failure(404, "text/plain", "x").message, "the server could not find the requested resource");
  const char* said = R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403})";
  EXPECT_EQ(answer_failure(403, "application/json", said).message, "no");
  EXPECT_LT(answer_failure(500, "text/plain", std::string(1 << 20, 'x')).message.size(), 3000u);
}

TEST(CalloutWords, Paths) {
  EXPECT_EQ(clean_path(""), "/");
  EXPECT_EQ(clean_path("/a//b/./c/../d/"), "/a/b/d");
  EXPECT_EQ(clean_path("/../x"), "/x");
}

// Answers JSON with what it was sent; never, below /hang.
class Echo final : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    auto body = co_await net::read_all(ctx, *request.body, 1 << 20);
    if (request.path == "/hang") (void)co_await rt::sleep_for(ctx, std::chrono::hours(1));
    const char* type = request.path == "/text" ? "text/plain" : "application/json";
    Bytes said;
    if (body) said = *body;
    (void)co_await net::respond(writer, 200, type, std::move(said));
  }
};

std::string told(const Result<Bytes>& answer) { return answer ? std::string(answer->view()) : "error: " + answer.error().message; }

// What answers, what answers too much or not in time, what is nowhere. Certificates: test/integration/webhooks_test.py.
rt::Task<void> calls() {
  rt::Runtime& runtime = rt::Executor::current().runtime();
  net::ServerOptions options;
  options.listen = {"127.0.0.1", 0};
  Echo echo;
  auto server = net::make_server(runtime, echo, options);
  const auto started = co_await server->start();
  CHECK(started, "a server");
  const std::string origin = "http://" + rt::to_string(server->local());

  apiserver::testing::FakeReader reader;
  const ServiceResolver resolver(reader, runtime.random(), false, origin);
  Callouts callouts(runtime, resolver);
  const rt::Context ctx = rt::Context::background();
  const rt::Duration second = std::chrono::seconds(1);
  Target target;
  target.url = origin + "/echo";
  auto answer = co_await callouts.post(ctx, target, Bytes("{}"), second);
  EXPECT_EQ(told(answer), "{}");
  target.url = origin + "/text";
  answer = co_await callouts.post(ctx, target, Bytes("{}"), second);
  EXPECT_EQ(told(answer), "{}") << "whatever it calls it";
  target.url = origin + "/echo";
  answer = co_await callouts.post(ctx, target, Bytes("0123456789"), second, 4);
  EXPECT_EQ(told(answer), "error: unexpected error when reading response body. Please retry. Original error: the answer is longer than 4 bytes");
  target.url = origin + "/hang";
  answer = co_await callouts.post(ctx, target, Bytes("{}"), second);
  EXPECT_TRUE(told(answer).ends_with("/hang\": context deadline exceeded")) << told(answer);
  target.ca_bundle = "no certificate";
  answer = co_await callouts.post(ctx, target, Bytes("{}"), second);
  EXPECT_FALSE(answer);
  target = {};
  target.service = ServiceName{"ns", "gone"};
  target.path = "/x";
  answer = co_await callouts.post(ctx, target, Bytes("{}"), second);
  EXPECT_EQ(told(answer), "error: Post \"https://gone.ns.svc:443/x\": service \"gone\" not found");
  co_await callouts.close();
  co_await server->drain(second);
}
TEST(Callouts, Calls) {
  for (uint64_t seed = 1; seed <= 20; ++seed) rt::testing::run_sim(calls(), seed);
}

}  // namespace
}  // namespace pintle::apiserver::callout

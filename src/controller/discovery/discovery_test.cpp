#include "controller/discovery/discovery.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "rt/testing.h"

namespace pintle::controller::discovery {
namespace {

constexpr const char* lists[][2] = {
    {"/api/v1", R"({"resources":[{"name":"pods","kind":"Pod","namespaced":true},{"name":"pods/status","kind":"Pod","namespaced":true}]})"},
    {"/apis/example.com",
     R"({"name":"example.com","versions":[{"version":"v1"},{"version":"v2"},{"version":"v3"}],"preferredVersion":{"version":"v2"}})"},
    {"/apis/example.com/v1", R"({"resources":[{"name":"oldies","kind":"Old","verbs":["get"]},{"name":"things","kind":"Thing"}]})"},
    {"/apis/example.com/v2", R"({"resources":[{"name":"things","kind":"Thing","namespaced":true,"verbs":["get","list"]}]})"},
    {"/apis/odd.example.com", R"([7])"},
    {"/apis/a%20HTTP%2F1.1%0D%0A", R"({"name":"x","versions":[{"version":"v1"}]})"},
    {"/apis/x/v1", R"({"resources":[{"name":"things","kind":"Thing"}]})"},
};

std::string found(std::string group, std::string kind) {
  return rt::testing::run_sim([=]() -> rt::Task<std::string> {
    client::testing::FakeServer server;
    for (const auto& [path, text] : lists) server.documents[path] = text;
    auto client = client::testing::connect(rt::Executor::current().runtime(), server);
    auto served = co_await find_kind(*client, rt::Context::background(), group, kind);
    co_await client->close();
    if (!served) co_return "error: " + served.error().message;
    if (!*served) co_return "none";
    co_return (*served)->resource.path("n", "o") + ((*served)->can("list") ? " lists" : "");
  });
}

TEST(Discovery, OneKind) {
  EXPECT_EQ(found("", "Pod"), "/api/v1/namespaces/n/pods/o");
  EXPECT_EQ(found("", "Thing"), "none");
  EXPECT_EQ(found("example.com", "Thing"), "/apis/example.com/v2/namespaces/n/things/o lists") << "of the preferred version";
  EXPECT_EQ(found("example.com", "Old"), "/apis/example.com/v1/oldies/o") << "of the only one";
  EXPECT_EQ(found("example.com", "None"), "none");
  EXPECT_EQ(found("none.example.com", "Thing"), "none");
  EXPECT_EQ(found("odd.example.com", "Thing"), "none");
  EXPECT_EQ(found("a HTTP/1.1\r\n", "Thing"), "/apis/x/v1/things/o") << "whatever it is, it is one part of the path";
}

}  // namespace
}  // namespace pintle::controller::discovery

#include "client/informers.h"

#include <gtest/gtest.h>

#include "api/gen/core_v1.h"
#include "client/testing.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

using api::core_v1::ConfigMap;

// Begins a streamed list, and goes on when it is told to: with its end, or by breaking it off.
class SlowList final : public net::Handler {
 public:
  rt::Event goes_on;
  bool breaks = false;
  int lists = 0;

  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    const bool first = ++lists == 1;
    writer.headers().set("content-type", "application/json");
    (void)co_await writer.start(200);
    std::vector<Bytes> lines;
    lines.push_back(added("a"));
    if (first) lines.push_back(added("b"));
    (void)co_await writer.write(std::move(lines));
    (void)co_await goes_on.wait(ctx);
    if (first && breaks) co_return;
    std::vector<Bytes> end;
    end.push_back(
        Bytes::literal(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}})"
                       "\n"));
    (void)co_await writer.write(std::move(end));
    (void)co_await rt::sleep_for(ctx, std::chrono::hours(1));
    (void)request;
  }

 private:
  static Bytes added(const std::string& name) {
    return Bytes(R"({"type":"ADDED","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"default","name":")" + name +
                 R"(","uid":")" + name + R"(","resourceVersion":"5"}}})" + "\n");
  }
};

rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

bool knows(Informer<ConfigMap>& maps, const std::string& name, const std::string& revision) {
  api::meta_v1::ObjectMeta state;
  state.namespace_ = "default";
  state.name = name;
  state.resource_version = revision;
  return maps.any().knows(state);
}

rt::Task<void> list_in_pieces(bool breaks) {
  SlowList server;
  server.breaks = breaks;
  rt::Runtime& runtime = rt::Executor::current().runtime();
  Client client(runtime, std::shared_ptr<net::Transport>(net::make_in_process_transport(runtime, server, "system:test")), ClientConfig{});
  Informers informers(client);
  auto maps = informers.of<ConfigMap>();
  std::vector<std::string> told;
  Informer<ConfigMap>::Handler handler;
  handler.on_add = [&](const auto& map, bool initial) { told.push_back("+" + map->metadata.name + (initial ? "" : " late")); };
  handler.on_delete = [&](const auto& map) { told.push_back("-" + map->metadata.name); };
  maps.add_handler(std::move(handler));
  informers.start();
  co_await pass(std::chrono::seconds(1));
  // What has come is kept as it comes: no list is in memory whole.
  EXPECT_EQ(maps.any().store().size(), 2u);
  EXPECT_FALSE(maps.any().synced());
  // The objects are newer than the store's revision, which comes last.
  EXPECT_TRUE(knows(maps, "a", "4"));
  EXPECT_TRUE(knows(maps, "a", "5"));
  EXPECT_FALSE(knows(maps, "a", "6"));
  EXPECT_FALSE(knows(maps, "c", "5"));
  server.goes_on.set();
  co_await pass(std::chrono::minutes(1));
  EXPECT_TRUE(maps.any().synced());
  EXPECT_EQ(maps.any().resource_version(), "9");
  EXPECT_TRUE(knows(maps, "a", "9"));
  EXPECT_TRUE(knows(maps, "c", "5"));  // it has gone
  EXPECT_FALSE(knows(maps, "c", "10"));
  // After a list that broke off comes another, and what that one has not is gone.
  EXPECT_EQ(told, breaks ? (std::vector<std::string>{"+a", "+b", "-b"}) : (std::vector<std::string>{"+a", "+b"}));
  EXPECT_EQ(maps.any().store().size(), breaks ? 1u : 2u);
  co_await informers.stop();
  co_await client.close();
}

TEST(Informer, TakesAListInPieces) {
  for (const bool breaks : {false, true}) rt::testing::run_sim([breaks]() -> rt::Task<void> { co_await list_in_pieces(breaks); });
}

}  // namespace
}  // namespace pintle::client

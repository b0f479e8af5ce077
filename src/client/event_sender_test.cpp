#include "client/event_sender.h"

#include <gtest/gtest.h>

#include "client/testing.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

using api::core_v1::Event;

EventWrite event_write(std::string name, std::string patch = "") {
  EventWrite out;
  out.event.metadata.namespace_ = "default";
  out.event.metadata.name = std::move(name);
  out.patch = std::move(patch);
  return out;
}

struct Sending {
  testing::FakeServer server;
  std::unique_ptr<Client> client = testing::connect(rt::Executor::current().runtime(), server);
  EventSender sender{*client};

  rt::Task<void> until(std::size_t writes) {
    const rt::Context ctx = rt::Context::background();
    while (server.writes.size() < writes) (void)co_await rt::sleep_for(ctx, std::chrono::milliseconds(100));
  }
  rt::Task<void> close() {
    co_await sender.stop();
    co_await client->close();
  }
  double seconds_since(rt::TimePoint begin) const { return std::chrono::duration<double>(client->runtime().clock().now() - begin).count(); }
};

TEST(EventSender, ABurstDoesNotWaitForEachAnswer) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Sending world;
    world.server.delay = [](const auto&) { return std::chrono::seconds(1); };
    const auto begin = world.client->runtime().clock().now();
    for (int i = 0; i < 80; ++i) world.sender.send(event_write("e" + std::to_string(i)));
    co_await world.until(80);
    EXPECT_LT(world.seconds_since(begin), 30);
    EXPECT_GE(world.seconds_since(begin), 80.0 / events_under_way_max) << "no more at once than are allowed";
    co_await world.close();
  });
}

TEST(EventSender, OneThatIsNotTakenHoldsBackAFewAlone) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Sending world;
    world.server.on_write = [](const testing::FakeServer::Write& write) { return write.as<Event>().metadata.name == "refused" ? 503 : 200; };
    const auto begin = world.client->runtime().clock().now();
    world.sender.send(event_write("refused"));
    for (int i = 0; i < 80; ++i) world.sender.send(event_write("e" + std::to_string(i)));
    co_await world.until(60);
    EXPECT_LT(world.seconds_since(begin), 10) << "before the refused one is tried again";
    co_await world.close();
  });
}

TEST(EventSender, WhatIsSentOfOneEventArrivesInItsOrder) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Sending world;
    int told = 0;
    world.server.delay = [&](const auto&) { return std::chrono::seconds(told++ % 2 == 0 ? 5 : 1); };
    for (const char* name : {"a", "b", "c"}) {
      world.sender.send(event_write(name));
      for (const char* count : {"2", "3"}) world.sender.send(event_write(name, R"({"count":)" + std::string(count) + "}"));
    }
    co_await world.until(9);
    for (const char* name : {"a", "b", "c"}) {
      std::vector<std::string> seen;
      for (const auto& write : world.server.writes) {
        if (write.method == "POST" && write.as<Event>().metadata.name == name) seen.emplace_back("made");
        if (write.method == "PATCH" && write.path.ends_with("/" + std::string(name))) seen.emplace_back(write.body.view());
      }
      EXPECT_EQ(seen, (std::vector<std::string>{"made", R"({"count":2})", R"({"count":3})"})) << name;
    }
    co_await world.close();
  });
}

TEST(EventSender, TakesABoundedNumber) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Sending world;
    std::size_t taken = 0;
    for (; !world.sender.full(); ++taken) world.sender.send(event_write("e" + std::to_string(taken)));
    EXPECT_EQ(taken, queued_events_max);
    co_await world.close();
  });
}

}  // namespace
}  // namespace pintle::client

#include "kubelet/server/log_reader.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "rt/combine.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::server {
namespace {

const std::string dir = "/tmp/pintle-log-reader-test";
const std::string path = dir + "/0.log";

std::string line(std::string_view text) { return "2026-01-02T03:04:05Z stdout F " + std::string(text) + "\n"; }

struct Client {
  std::string got;
  rt::Event changed;
  rt::Task<Result<Unit>> take(std::string text) {
    got += text;
    changed.set();
    co_return Unit{};
  }
  LogSink sink() {
    return [this](std::string text) { return take(std::move(text)); };
  }
  rt::Task<void> wait_for(std::string want) {
    while (got != want) {
      changed.reset();
      auto waited = co_await changed.wait(rt::Context::background().with_timeout(std::chrono::seconds(10)));
      CHECK(waited, "the client got \"" + got + "\" and not \"" + want + "\"");
    }
  }
};

rt::Task<Result<Unit>> never(rt::Context ctx) {
  rt::Event event;
  co_return co_await event.wait(std::move(ctx));
}

rt::Task<std::string> read(LogReading reading) {
  auto& runtime = rt::Executor::current().runtime();
  auto& disk = runtime.disk();
  CHECK(disk.make_directories(dir), "a folder");
  std::string text;
  for (int i = 1; i <= 5000; ++i) text += line("l" + std::to_string(i));
  CHECK(disk.write(path, text + "2026-01-02T03:04:05Z stdout F end"), "a file");
  reading.path = path;
  LogReader reader(runtime, reading);
  auto opened = reader.open();
  if (!opened) co_return opened.error().message;
  Client client;
  auto done = co_await reader.run(rt::Context::background(), client.sink(), never);
  co_return done ? client.got : done.error().message;
}

TEST(LogReader, Tails) {
  EXPECT_EQ(rt::testing::run_task(read({.tail_lines = 0})), "");
  EXPECT_EQ(rt::testing::run_task(read({.tail_lines = 2})), "l4999\nl5000\n");
  EXPECT_EQ(rt::testing::run_task(read({})).substr(0, 6), "l1\nl2\n");
  EXPECT_TRUE(rt::testing::run_task(read({})).ends_with("l5000\nend"));
}

rt::Task<void> end_when(rt::Event* event, Result<Unit>* out, LogReader* reader, Client* client) {
  LogEnd end = [event](rt::Context ctx) { return event->wait(std::move(ctx)); };
  *out = co_await reader->run(rt::Context::background(), client->sink(), std::move(end));
}

rt::Task<void> follow() {
  auto& runtime = rt::Executor::current().runtime();
  auto& disk = runtime.disk();
  CHECK(disk.make_directories(dir), "a folder");
  CHECK(disk.write(path, line("zero") + line("one")), "a file");
  LogReading reading;
  reading.path = path;
  reading.follow = true;
  reading.tail_lines = 1;
  LogReader reader(runtime, reading);
  CHECK(reader.open(), "opens");
  Client client;
  rt::Event ended;
  Result<Unit> result = internal("did not end");
  rt::TaskGroup group;
  group.spawn(end_when(&ended, &result, &reader, &client));
  co_await client.wait_for("one\n");
  CHECK(disk.append(path, line("two").substr(0, 10)), "half a line");
  CHECK(disk.append(path, line("two").substr(10)), "the other half");
  co_await client.wait_for("one\ntwo\n");
  CHECK(disk.append(path, line("three")), "a last line of the old file");
  CHECK(disk.rename(path, path + ".old"), "rotated");
  CHECK(disk.write(path, line("four")), "a new file");
  co_await client.wait_for("one\ntwo\nthree\nfour\n");
  CHECK(disk.append(path, line("five")), "the end");
  ended.set();
  co_await group.join();
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(client.got, "one\ntwo\nthree\nfour\nfive\n");
}
TEST(LogReader, FollowsThroughRotationToTheEnd) { rt::testing::run_task(follow()); }

}  // namespace
}  // namespace pintle::kubelet::server

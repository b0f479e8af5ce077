#include "rt/network.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "rt/runtime.h"
#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Network& network() { return Executor::current().runtime().network(); }
Context in_time() { return Context::background().with_timeout(30s); }

TEST(Endpoint, Text) {
  EXPECT_EQ(to_string(Endpoint{"127.0.0.1", 6443}), "127.0.0.1:6443");
  EXPECT_EQ(to_string(Endpoint{"::1", 6443}), "[::1]:6443");
}

// Sends back what it reads, then the end.
Task<void> echo_one(std::unique_ptr<Stream> stream) {
  char buffer[4096];
  while (true) {
    auto got = co_await stream->read(Context::background(), buffer);
    if (!got || *got == 0) break;
    auto sent = co_await stream->write(Context::background(), std::string_view(buffer, *got));
    if (!sent) break;
  }
  stream->shutdown_write();
}
Task<void> echo_server(Listener* listener, TaskGroup* group, Context ctx) {
  while (true) {
    auto stream = co_await listener->accept(ctx);
    if (!stream) co_return;
    group->spawn(echo_one(std::move(*stream)));
  }
}

Task<std::string> read_all(Stream* stream) {
  std::string text;
  char buffer[1000];
  while (true) {
    auto got = co_await stream->read(Context::background(), buffer);
    EXPECT_TRUE(got.has_value());
    if (!got || *got == 0) co_return text;
    text.append(buffer, *got);
  }
}

Task<void> send_parts(Stream* stream, std::string text) {
  std::vector<Bytes> parts;
  const Bytes whole{std::move(text)};
  for (std::size_t at = 0; at < whole.size(); at += 777) parts.push_back(whole.substr(at, 777));
  parts.push_back(Bytes());
  auto sent = co_await stream->write(in_time(), std::move(parts));
  EXPECT_TRUE(sent.has_value());
  stream->shutdown_write();
}

Task<void> check_echo(std::unique_ptr<Stream> stream, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 23);
  TaskGroup group;
  group.spawn(send_parts(stream.get(), text));
  auto back = co_await read_all(stream.get());
  EXPECT_EQ(back.size(), text.size());
  EXPECT_TRUE(back == text);
  co_await group.join();
}

Task<void> tcp_echo() {
  auto listener = network().listen({"127.0.0.1", 0});
  EXPECT_TRUE(listener.has_value());
  const Endpoint server = (*listener)->local();
  EXPECT_NE(server.port, 0);
  TaskGroup connections;
  TaskGroup accepting;
  accepting.spawn(echo_server(listener->get(), &connections, accepting.context()));
  TaskGroup clients;
  for (int i = 0; i < 5; ++i) {
    auto stream = co_await network().connect(in_time(), server);
    EXPECT_TRUE(stream.has_value());
    EXPECT_EQ((*stream)->remote(), server);
    EXPECT_NE((*stream)->local().port, 0);
    clients.spawn(check_echo(std::move(*stream), 1'000'000));
  }
  co_await clients.join();
  co_await accepting.close();
  co_await connections.join();
}
TEST(Network, TcpEcho) { on_each_backend(tcp_echo); }

Task<void> unix_echo() {
  const std::string path = "/tmp/pintle-rt-test-" + std::to_string(::getpid()) + ".sock";
  for (int round = 0; round < 2; ++round) {
    auto listener = network().listen_unix(path);
    EXPECT_TRUE(listener.has_value()) << listener.error().message;
    auto taken = network().listen_unix(path);
    EXPECT_FALSE(taken.has_value());
    TaskGroup connections;
    TaskGroup accepting;
    accepting.spawn(echo_server(listener->get(), &connections, accepting.context()));
    auto stream = co_await network().connect_unix(in_time(), path);
    EXPECT_TRUE(stream.has_value());
    co_await check_echo(std::move(*stream), 100'000);
    co_await accepting.close();
    co_await connections.join();
  }
  auto gone = co_await network().connect_unix(in_time(), path);
  EXPECT_FALSE(gone.has_value());
}
TEST(Network, UnixEcho) { on_each_backend(unix_echo); }

Task<void> nobody_listens() {
  auto listener = network().listen({"127.0.0.1", 0});
  const Endpoint server = (*listener)->local();
  auto taken = network().listen(server);
  EXPECT_FALSE(taken.has_value());
  listener->reset();
  auto stream = co_await network().connect(in_time(), server);
  EXPECT_FALSE(stream.has_value());
  EXPECT_EQ(stream.error().reason, Reason::ServiceUnavailable);
  const Endpoint named{"localhost", 1};
  auto not_numeric = co_await network().connect(in_time(), named);
  EXPECT_EQ(not_numeric.error().reason, Reason::Invalid);
}
TEST(Network, NobodyListens) { on_each_backend(nobody_listens); }

struct Pair {
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};
Task<Pair> connected() {
  Pair pair;
  pair.listener = std::move(*network().listen({"127.0.0.1", 0}));
  auto client = co_await network().connect(in_time(), pair.listener->local());
  pair.client = std::move(*client);
  auto server = co_await pair.listener->accept(in_time());
  pair.server = std::move(*server);
  co_return std::move(pair);
}

Task<void> cancellation() {
  Pair pair = co_await connected();
  char buffer[10];
  const Context soon = Context::background().with_timeout(2ms);
  auto got = co_await pair.client->read(soon, buffer);
  EXPECT_EQ(got.error().reason, Reason::Timeout);
  auto accepted = co_await pair.listener->accept(Context::background().with_timeout(2ms));
  EXPECT_EQ(accepted.error().reason, Reason::Timeout);
  // The stream is as good as before.
  auto sent = co_await pair.server->write(in_time(), "hello");
  EXPECT_TRUE(sent.has_value());
  got = co_await pair.client->read(in_time(), buffer);
  EXPECT_GE(got.value_or(0), 1u);  // a short read is a read
}
TEST(Network, CancelledReadLeavesTheStreamWhole) { on_each_backend(cancellation); }

Task<void> connect_and_read(Endpoint server, Context ctx, std::atomic<int>* cancelled, Event* reading) {
  auto stream = co_await network().connect(in_time(), server);
  EXPECT_TRUE(stream.has_value());
  reading->set();
  char buffer[10];
  while (true) {
    auto got = co_await (*stream)->read(ctx, buffer);
    if (!got) break;
  }
  ++*cancelled;
}
Task<void> cancel_across_executors() {
  auto listener = network().listen({"127.0.0.1", 0});
  Runtime& runtime = Executor::current().runtime();
  for (std::size_t round = 0; round < 50; ++round) {
    const Context ctx = Context::background().child();
    std::atomic<int> cancelled = 0;
    Event reading;
    TaskGroup group;
    Executor& executor = runtime.executor(round % runtime.executor_count());
    group.spawn_on(executor, connect_and_read((*listener)->local(), ctx, &cancelled, &reading));
    auto stream = co_await (*listener)->accept(in_time());
    EXPECT_TRUE(stream.has_value());
    (void)co_await reading.wait(Context::background());
    if (round % 3 == 0) (void)co_await (*stream)->write(in_time(), "x");
    ctx.cancel();
    co_await group.join();
    EXPECT_EQ(cancelled, 1);
  }
}
TEST(Network, CancelFromAnotherExecutor) { on_each_backend(cancel_across_executors); }

Task<void> write_until_full(Stream* stream, Result<Unit>* out) {
  const std::string block(1 << 20, 'x');
  while (true) {
    *out = co_await stream->write(Context::background().with_timeout(20ms), block);
    if (!*out) co_return;
  }
}
Task<void> backpressure() {
  Pair pair = co_await connected();
  Result<Unit> ended;
  co_await write_until_full(pair.server.get(), &ended);
  EXPECT_EQ(ended.error().reason, Reason::Timeout);
}
TEST(Network, AWriterWaitsForASlowReader) { on_each_backend(backpressure); }

Task<void> read_expecting(Stream* stream, Reason reason) {
  char buffer[10];
  auto got = co_await stream->read(Context::background(), buffer);
  EXPECT_EQ(got.error().reason, reason);
}
Task<void> close_ends_reads() {
  Pair pair = co_await connected();
  TaskGroup group;
  group.spawn(read_expecting(pair.client.get(), Reason::Cancelled));
  co_await yield();
  pair.client->close();
  co_await group.join();
  char buffer[10];
  auto end = co_await pair.server->read(in_time(), buffer);
  EXPECT_EQ(end.value_or(99), 0u);
  auto closed = co_await pair.client->write(in_time(), "x");
  EXPECT_EQ(closed.error().reason, Reason::Cancelled);
}
TEST(Network, CloseEndsPendingReads) { on_each_backend(close_ends_reads); }

Task<void> resolve_names() {
  auto numeric = co_await network().resolve(in_time(), "::1");
  EXPECT_EQ(numeric.value(), std::vector<std::string>{"::1"});
  auto local = co_await network().resolve(in_time(), "localhost");
  EXPECT_TRUE(local.has_value());
  auto bad = co_await network().resolve(in_time(), "no such host.invalid");
  EXPECT_EQ(bad.error().reason, Reason::ServiceUnavailable);
}
TEST(Network, Resolve) { on_each_backend(resolve_names); }

Task<void> serve_counted(Endpoint endpoint, Context ctx, std::atomic<int>* count) {
  auto listener = network().listen(endpoint, {.reuse_port = true});
  EXPECT_TRUE(listener.has_value());
  while (true) {
    auto stream = co_await (*listener)->accept(ctx);
    if (!stream) co_return;
    ++*count;
    auto sent = co_await (*stream)->write(Context::background(), "!");
    EXPECT_TRUE(sent.has_value());
  }
}
Task<void> reuse_port() {
  auto first = network().listen({"127.0.0.1", 0}, {.reuse_port = true});
  const Endpoint endpoint = (*first)->local();
  std::atomic<int> count = 0;
  TaskGroup servers;
  Runtime& runtime = Executor::current().runtime();
  for (std::size_t i = 0; i < runtime.executor_count(); ++i)
    servers.spawn_on(runtime.executor(i), serve_counted(endpoint, servers.context(), &count));
  first->reset();
  for (int i = 0; i < 20; ++i) {
    char byte[1];
    auto stream = co_await network().connect(in_time(), endpoint);
    if (!stream) {  // the others do not listen yet
      co_await yield();
      --i;
      continue;
    }
    (void)co_await (*stream)->read(in_time(), byte);
  }
  EXPECT_GE(count, 19);
  co_await servers.close();
}
TEST(Network, ListenersShareAPort) { on_each_backend(reuse_port); }

}  // namespace
}  // namespace pintle::rt

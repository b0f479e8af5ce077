#include "rpc/typed_stream.h"

#include <gtest/gtest.h>

#include "api/gen/deviceplugin_v1beta1.h"
#include "net/grpc/code.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::rpc {
namespace {

using namespace api::deviceplugin_v1beta1;

constexpr auto* path = "/tmp/pintle-rpc-test.sock";

// What it does follows from the size that it is asked with.
class Lister {
 public:
  explicit Lister(rt::Runtime& runtime) : server(runtime) {
    on_stream(server, "/t.S/List", *this, &Lister::list);
    server.on_stream("/t.S/Garbage", [](rt::Context, std::string, net::grpc::StreamWriter& writer) { return writer.write("\x0a\xff"); });
    EXPECT_TRUE(server.start(path));
  }
  rt::Task<Result<Unit>> list(rt::Context ctx, ContainerPreferredAllocationRequest request, StreamSink<ListAndWatchResponse>& sink) {
    for (int i = 0; i < request.allocation_size; ++i) {
      ListAndWatchResponse out;
      out.devices.emplace_back().id = "d" + std::to_string(i);
      CO_TRY(co_await sink.write(out));
      ++written;
    }
    if (request.allocation_size == 2) co_return Unexpected(net::grpc::to_status(net::grpc::Code::Aborted, "no more"));
    if (request.allocation_size == 1) CO_TRY(co_await rt::sleep_for(ctx, std::chrono::hours(1)));
    co_return Unit{};
  }
  int written = 0;
  net::grpc::Server server;
};

rt::Task<std::string> read_all(net::grpc::Channel& channel, std::string method, std::string request, rt::Duration patience) {
  const auto ctx = rt::Context::background().with_timeout(patience);
  auto reading = co_await stream<ListAndWatchResponse>(channel, ctx, method, request);
  if (!reading) co_return reading.error().message;
  std::string seen;
  while (true) {
    auto next = co_await reading->next(ctx);
    if (!next) co_return seen + std::string(reason_name(next.error().reason));
    if (!*next) co_return seen + "end";
    for (const Device& device : (*next)->devices) seen += device.id + " ";
  }
}

std::string asked(int32_t size) {
  ContainerPreferredAllocationRequest request;
  request.allocation_size = size;
  return encode(request);
}

rt::Task<void> reads_typed_messages() {
  auto& runtime = rt::Executor::current().runtime();
  Lister lister(runtime);
  net::grpc::ChannelOptions options;
  options.target = path;
  options.message_bytes_max = 64;
  auto channel = std::move(*net::grpc::Channel::make(runtime, options));
  using namespace std::chrono_literals;
  EXPECT_EQ(co_await read_all(*channel, "/t.S/List", asked(3), 10s), "d0 d1 d2 end");
  EXPECT_EQ(co_await read_all(*channel, "/t.S/List", asked(2), 10s), "d0 d1 Conflict");
  EXPECT_EQ(co_await read_all(*channel, "/t.S/List", asked(1), 100ms), "d0 Timeout");
  EXPECT_EQ(co_await read_all(*channel, "/t.S/List", "\x0a\xff", 10s), "BadRequest");
  EXPECT_EQ(co_await read_all(*channel, "/t.S/Garbage", "", 10s), "BadRequest");
  co_await channel->close();
  co_await lister.server.stop();
}
TEST(TypedStream, ReadsTypedMessages) { rt::testing::run_task(reads_typed_messages()); }

// Whoever does not read holds the writer up: what waits is bounded by the window.
rt::Task<void> a_reader_that_does_not_read() {
  auto& runtime = rt::Executor::current().runtime();
  Lister lister(runtime);
  net::grpc::ChannelOptions options;
  options.target = path;
  auto channel = std::move(*net::grpc::Channel::make(runtime, options));
  const auto ctx = rt::Context::background();
  constexpr int32_t endless = 10'000'000;
  auto reading = co_await stream<ListAndWatchResponse>(*channel, ctx, "/t.S/List", asked(endless));
  int before = -1;
  while (before != lister.written) {
    before = lister.written;
    (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
  }
  EXPECT_GT(before, 0);
  EXPECT_LT(before, endless);
  co_await channel->close();
  co_await lister.server.stop();
}
TEST(TypedStream, AReaderThatDoesNotReadHoldsTheWriter) { rt::testing::run_sim(a_reader_that_does_not_read(), 1); }

}  // namespace
}  // namespace pintle::rpc

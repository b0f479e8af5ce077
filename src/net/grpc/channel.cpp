#include "net/grpc/channel.h"

#include <charconv>

#include "net/dial.h"
#include "net/grpc/code.h"
#include "net/http2_connection.h"
#include "rt/combine.h"
#include "rt/version.h"

namespace pintle::net::grpc {

namespace {

constexpr std::size_t header_bytes_max = 64 << 10;
// A local server that goes away closes the socket: no pings, and a connection without calls is kept.
constexpr rt::Duration very_long = std::chrono::hours(24 * 365);

Http2Options to_options(bool local) {
  Http2Options options;
  options.server = false;
  options.header_bytes_max = header_bytes_max;
  options.stream_window = 1 << 20;
  options.connection_window = 4 << 20;
  if (local) options.header_timeout = options.idle_timeout = options.ping_after = very_long;
  return options;
}

}  // namespace

struct CallStream final : Http2Stream {
  int http_status = 0;
  Headers headers;
  Headers trailers;
  std::size_t header_bytes = 0;
  bool head_done = false;
};

class ClientConnection final : public Http2Connection {
 public:
  ClientConnection(rt::Runtime& runtime, std::unique_ptr<rt::Stream> stream, bool local)
      : Http2Connection(runtime, std::move(stream), to_options(local)) {}

  rt::Task<void> run() { co_await run_io(""); }
  bool has_room() const { return usable() && stream_count() < peer_streams_max(); }

  // nullptr: the connection takes no call any more.
  std::shared_ptr<CallStream> begin(const Fields& fields, std::string_view message) {
    auto stream = std::make_shared<CallStream>();
    if (!submit_request(stream, fields, true)) return nullptr;
    queue_body(*stream, frame_message(message));
    return stream;
  }

 private:
  Http2StreamPtr begin_stream() override { return nullptr; }
  void on_header(Http2Stream& base, std::string_view name, std::string_view value) override {
    auto& stream = static_cast<CallStream&>(base);
    stream.header_bytes += name.size() + value.size() + 32;
    if (stream.header_bytes > options().header_bytes_max) return reset(stream, http2_cancel);
    if (name == ":status") {
      std::from_chars(value.data(), value.data() + value.size(), stream.http_status);
    } else {
      (stream.head_done ? stream.trailers : stream.headers).add(std::string(name), std::string(value));
    }
  }
  void on_headers_done(const Http2StreamPtr& base, bool) override {
    auto& stream = static_cast<CallStream&>(*base);
    if (stream.http_status >= 200) stream.head_done = true;
  }
  void on_closed(Http2Stream&) override {}
};

namespace {

// How the call ended, once its body was read to the end.
Result<Unit> outcome(const CallStream& stream) {
  const Headers& ends = stream.trailers.has("grpc-status") ? stream.trailers : stream.headers;
  if (!ends.has("grpc-status")) {
    return Unexpected(to_status(Code::Unavailable, "the server answered without gRPC: HTTP " + std::to_string(stream.http_status)));
  }
  const Code code = parse_code(ends.get("grpc-status"));
  if (code == Code::Ok) return Unit{};
  return Unexpected(to_status(code, unescape_message(ends.get("grpc-message"))));
}

}  // namespace

StreamReader::StreamReader(std::shared_ptr<ClientConnection> connection, std::shared_ptr<CallStream> stream, std::size_t message_bytes_max)
    : connection_(std::move(connection)), stream_(std::move(stream)), messages_(message_bytes_max) {}

StreamReader::~StreamReader() { connection_->reset(*stream_, http2_cancel); }

rt::Task<Result<std::optional<std::string>>> StreamReader::next(rt::Context ctx) {
  while (true) {
    CO_TRY_ASSIGN(auto message, messages_.next());
    if (message) co_return std::move(message);
    auto piece = co_await connection_->read_body(ctx, stream_);
    if (!piece) {
      // A server that resets after its trailers has said all there is to say.
      if (!ctx.done() && stream_->trailers.has("grpc-status")) CO_TRY(outcome(*stream_));
      Status why = piece.error();
      if (why.reason == Reason::ServiceUnavailable) why = to_status(Code::Unavailable, why.message);
      co_return Unexpected(std::move(why));
    }
    if (piece->empty()) {
      CO_TRY(outcome(*stream_));
      if (!messages_.empty()) co_return Unexpected(to_status(Code::DataLoss, "the answer ended within a message"));
      co_return std::nullopt;
    }
    messages_.push(piece->view());
  }
}

namespace {
constexpr std::string_view dial_failed = "connection error: dial ";
}  // namespace

bool never_sent(const Status& status) { return code_of(status) == Code::Unavailable && description_of(status).starts_with(dial_failed); }

struct Channel::State {
  State(rt::Runtime& runtime_in, ChannelOptions options_in) : runtime(runtime_in), options(std::move(options_in)), tls(runtime, options.tls) {}

  rt::Task<Result<std::shared_ptr<ClientConnection>>> connection(rt::Context ctx);
  rt::Task<Result<Unit>> dial_one(rt::Context ctx);
  rt::Task<void> run(std::shared_ptr<ClientConnection> connection);

  rt::Runtime& runtime;
  const ChannelOptions options;
  ClientTls tls;
  Url url;
  rt::Executor& home = rt::Executor::current();
  std::shared_ptr<ClientConnection> current;
  bool dialing = false;
  rt::Event dialed;
  bool closed = false;
  rt::Version ended;  // moves with each connection that has
  rt::TaskGroup connections;
};

namespace {

Result<Url> parse_target(std::string target) {
  if (target.starts_with("unix://")) target = target.substr(7);
  if (target.starts_with("unix:")) target = target.substr(5);
  if (target.starts_with("/")) target = "unix:" + target + ":/";
  return parse_url(target);
}

}  // namespace

rt::Task<void> Channel::State::run(std::shared_ptr<ClientConnection> connection) {
  co_await connection->run();
  ended.increment();
}

rt::Task<Result<Unit>> Channel::State::dial_one(rt::Context ctx) {
  dialing = true;
  const rt::Context bounded = ctx.with_timeout(options.dial_timeout);
  TlsContext context;
  if (url.scheme == "https") context = tls.current().context;
  DialTo to;
  to.http2 = true;
  auto made = co_await dial(runtime, options.tls, std::move(context), bounded, url, std::move(to));
  dialing = false;
  dialed.set();
  if (!made) {
    if (ctx.done()) co_return Unexpected(ctx.status());
    co_return Unexpected(to_status(Code::Unavailable, std::string(dial_failed).append(url.host).append(": ").append(made.error().message)));
  }
  if (closed) co_return error(Reason::Cancelled, "the channel is closed");
  current = std::make_shared<ClientConnection>(runtime, std::move(made->stream), url.scheme == "unix");
  connections.spawn(run(current));
  co_return Unit{};
}

rt::Task<Result<std::shared_ptr<ClientConnection>>> Channel::State::connection(rt::Context ctx) {
  while (true) {
    if (closed) co_return error(Reason::Cancelled, "the channel is closed");
    if (ctx.done()) co_return Unexpected(ctx.status());
    if (current && current->has_room()) co_return current;
    if (dialing) {
      dialed.reset();
      CO_TRY(co_await dialed.wait(ctx));
      continue;
    }
    CO_TRY(co_await dial_one(ctx));
  }
}

Result<std::unique_ptr<Channel>> Channel::make(rt::Runtime& runtime, ChannelOptions options) {
  TRY_ASSIGN(Url url, parse_target(options.target));
  auto state = std::make_shared<State>(runtime, std::move(options));
  state->url = std::move(url);
  if (state->url.scheme == "https") TRY(state->tls.load());
  return std::unique_ptr<Channel>(new Channel(std::move(state)));
}

Channel::Channel(std::shared_ptr<State> state) : state_(std::move(state)) {}
Channel::~Channel() = default;

rt::Task<Result<std::unique_ptr<StreamReader>>> Channel::server_stream(rt::Context ctx, std::string method, std::string message) {
  auto state = state_;
  CHECK(&rt::Executor::current() == &state->home, "a channel streams on its own executor");
  std::string timeout;
  const std::string authority = state->url.scheme == "unix" ? "localhost" : state->url.authority;
  if (const auto deadline = ctx.deadline()) timeout = format_timeout(*deadline - state->runtime.clock().now());
  std::vector<std::pair<std::string_view, std::string_view>> fields{{":method", "POST"},
                                                                    {":scheme", state->url.scheme == "https" ? "https" : "http"},
                                                                    {":path", method},
                                                                    {":authority", authority},
                                                                    {"content-type", "application/grpc"},
                                                                    {"user-agent", "pintle"},
                                                                    {"te", "trailers"}};
  if (!timeout.empty()) fields.emplace_back("grpc-timeout", timeout);
  while (true) {
    CO_TRY_ASSIGN(auto connection, co_await state->connection(ctx));
    auto stream = connection->begin(fields, message);
    if (!stream) continue;
    co_return std::make_unique<StreamReader>(std::move(connection), std::move(stream), state->options.message_bytes_max);
  }
}

rt::Task<Result<std::string>> Channel::unary(rt::Context ctx, std::string method, std::string message) {
  auto state = state_;
  if (&rt::Executor::current() != &state->home) {
    co_return co_await rt::run_on(state->home, unary(std::move(ctx), std::move(method), std::move(message)));
  }
  CO_TRY_ASSIGN(auto reader, co_await server_stream(ctx, std::move(method), std::move(message)));
  CO_TRY_ASSIGN(auto answer, co_await reader->next(ctx));
  if (!answer) co_return Unexpected(to_status(Code::DataLoss, "an answer without a message"));
  CO_TRY_ASSIGN(const auto more, co_await reader->next(ctx));
  if (more) co_return Unexpected(to_status(Code::DataLoss, "more than one message in the answer"));
  co_return std::move(*answer);
}

rt::Task<Result<Unit>> Channel::connect(rt::Context ctx) {
  auto state = state_;
  CO_TRY(co_await state->connection(std::move(ctx)));
  co_return Unit{};
}

rt::Task<Result<Unit>> Channel::disconnected(rt::Context ctx) {
  auto state = state_;
  while (state->current && state->current->usable()) {
    const uint64_t seen = state->ended.value();
    CO_TRY(co_await state->ended.wait(ctx, seen + 1));
  }
  co_return Unit{};
}

rt::Task<void> Channel::close() {
  auto state = state_;
  state->closed = true;
  if (state->current) state->current->abort();
  co_await state->connections.join();
  state->current.reset();
}

}  // namespace pintle::net::grpc

#include "net/grpc/server.h"

#include "net/grpc/code.h"
#include "net/grpc/message.h"
#include "net/http2_connection.h"

namespace pintle::net::grpc {

namespace {

constexpr rt::Duration very_long = std::chrono::hours(24 * 365);
constexpr std::size_t header_bytes_max = 64 << 10;

struct ServerCall final : Http2Stream {
  std::string path;
  std::string timeout;
  std::size_t header_bytes = 0;
  bool started = false;
  rt::Context ctx = rt::Context::background();
};
using ServerCallPtr = std::shared_ptr<ServerCall>;

Http2Options to_options() {
  Http2Options options;
  options.header_bytes_max = header_bytes_max;
  options.header_timeout = options.idle_timeout = options.ping_after = very_long;
  return options;
}

}  // namespace

class ServerConnection final : public Http2Connection {
 public:
  ServerConnection(Server& server, std::unique_ptr<rt::Stream> stream)
      : Http2Connection(server.runtime_, std::move(stream), to_options()), server_(server) {}

  static rt::Task<void> run(std::shared_ptr<ServerConnection> self) {
    co_await self->run_io("");
    self->ctx_.cancel();
    co_await self->calls_.join();
    self->server_.connections_.erase(self.get());
  }
  void stop() {
    ctx_.cancel();
    abort();
  }

 private:
  Http2StreamPtr begin_stream() override { return std::make_shared<ServerCall>(); }
  void on_header(Http2Stream& base, std::string_view name, std::string_view value) override {
    auto& call = static_cast<ServerCall&>(base);
    call.header_bytes += name.size() + value.size() + 32;
    if (call.header_bytes > options().header_bytes_max) return reset(call, http2_refused_stream);
    if (name == ":path") call.path = value;
    if (name == "grpc-timeout") call.timeout = value;
  }
  void on_headers_done(const Http2StreamPtr& base, bool) override {
    auto call = std::static_pointer_cast<ServerCall>(base);
    if (std::exchange(call->started, true)) return;
    const auto timeout = parse_timeout(call->timeout);
    call->ctx = timeout ? ctx_.with_timeout(*timeout) : ctx_.child();
    calls_.spawn(serve(std::move(call)));
  }
  void on_closed(Http2Stream& base) override { static_cast<ServerCall&>(base).ctx.cancel(); }

  rt::Task<void> serve(ServerCallPtr call);
  rt::Task<Result<Unit>> dispatch(ServerCallPtr call);
  rt::Task<Result<std::string>> read_request(ServerCallPtr call);
  void end(ServerCall& call, const Result<Unit>& result);

  struct Writer final : StreamWriter {
    Writer(ServerConnection& c, ServerCallPtr s) : connection(c), call(std::move(s)) {}
    rt::Task<Result<Unit>> write(std::string message) override {
      std::vector<Bytes> pieces{frame_message(message)};
      return connection.write_body(call, std::move(pieces));
    }
    ServerConnection& connection;
    ServerCallPtr call;
  };

  Server& server_;
  rt::Context ctx_ = rt::Context::background().child();
  rt::TaskGroup calls_;
};

rt::Task<Result<std::string>> ServerConnection::read_request(ServerCallPtr call) {
  MessageReader messages(request_bytes_max);
  while (true) {
    CO_TRY_ASSIGN(auto message, messages.next());
    if (message) co_return std::move(*message);
    CO_TRY_ASSIGN(const Bytes piece, co_await read_body(call->ctx, call));
    if (piece.empty()) co_return bad_request("a call without a message");
    messages.push(piece.view());
  }
}

rt::Task<Result<Unit>> ServerConnection::dispatch(ServerCallPtr call) {
  const auto unary = server_.unary_.find(call->path);
  const auto streaming = server_.streaming_.find(call->path);
  if (unary == server_.unary_.end() && streaming == server_.streaming_.end()) {
    co_return Unexpected(Status{Reason::MethodNotAllowed, 0, "unknown method " + call->path, {}});
  }
  CO_TRY_ASSIGN(std::string request, co_await read_request(call));
  Writer writer(*this, call);
  if (streaming != server_.streaming_.end()) co_return co_await streaming->second(call->ctx, std::move(request), writer);
  CO_TRY_ASSIGN(std::string answer, co_await unary->second(call->ctx, std::move(request)));
  co_return co_await writer.write(std::move(answer));
}

rt::Task<void> ServerConnection::serve(ServerCallPtr call) {
  if (submit_response(*call, {{":status", "200"}, {"content-type", "application/grpc"}}, true)) {
    const auto result = co_await dispatch(call);
    end(*call, result);
  }
}

void ServerConnection::end(ServerCall& call, const Result<Unit>& result) {
  const Code code = result ? Code::Ok : code_of(result.error());
  std::vector<Headers::Item> trailers{{"grpc-status", std::to_string(static_cast<int>(code))}};
  if (!result) trailers.emplace_back("grpc-message", escape_message(description_of(result.error())));
  end_body_with_trailers(call, std::move(trailers));
}

Server::Server(rt::Runtime& runtime) : runtime_(runtime) {}
Server::~Server() = default;

void Server::on(std::string method, Unary handler) { unary_[std::move(method)] = std::move(handler); }
void Server::on_stream(std::string method, Streaming handler) { streaming_[std::move(method)] = std::move(handler); }

Result<Unit> Server::start(std::string path) {
  TRY_ASSIGN(listener_, runtime_.network().listen_unix(std::move(path)));
  tasks_.spawn(accept_loop());
  return Unit{};
}

rt::Task<void> Server::accept_loop() {
  while (true) {
    auto stream = co_await listener_->accept(tasks_.context());
    if (!stream) co_return;
    auto connection = std::make_shared<ServerConnection>(*this, std::move(*stream));
    connections_.emplace(connection.get(), connection);
    tasks_.spawn(ServerConnection::run(std::move(connection)));
  }
}

rt::Task<void> Server::stop() {
  if (listener_) listener_->close();
  for (auto& [key, connection] : connections_) connection->stop();
  co_await tasks_.close();
}

}  // namespace pintle::net::grpc

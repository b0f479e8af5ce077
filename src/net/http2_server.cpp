// HTTP/2, the server's side: a task for each stream runs the handler.
#include "net/abortable.h"
#include "net/http1_message.h"
#include "net/http2_connection.h"
#include "net/http_date.h"
#include "net/server_connection.h"
#include "net/text.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

struct ServerStream final : Http2Stream {
  ServerStream(HeadBudget& heads, std::size_t free) : lease(heads, free) {}
  HeadLease lease;
  RequestHead head;
  std::string authority;
  std::size_t header_bytes = 0;
  bool too_large = false;
  bool ctx_made = false;  // the head is complete and has its handler
  rt::Context ctx = rt::Context::background();
};
using ServerStreamPtr = std::shared_ptr<ServerStream>;

// Fields that belong to HTTP/1.1's connection and may not appear here (RFC 9113 8.2.2).
bool is_connection_field(std::string_view lower_name) {
  return lower_name == "connection" || lower_name == "keep-alive" || lower_name == "transfer-encoding" || lower_name == "upgrade" ||
         lower_name == "proxy-connection";
}

class Connection final : public ServerConnection, public Http2Connection {
 public:
  Connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream)
      : Http2Connection(deps.runtime, std::move(stream), to_options(deps.limits)), deps_(deps), info_(std::move(info)) {}

  rt::Task<void> run(rt::Context ctx, std::string received) override {
    ctx_ = ctx.child();
    co_await run_io(std::move(received));
    ctx_.cancel();
    co_await handlers_.join();
  }
  void begin_drain() override { drain(); }
  void abort() override {
    ctx_.cancel();
    Http2Connection::abort();
  }

 private:
  friend class Writer;
  friend class Body;

  static Http2Options to_options(const ServerLimits& limits) {
    Http2Options options;
    options.streams_max = limits.streams_per_connection_max;
    options.header_bytes_max = limits.header_bytes_max;
    options.reset_large_fields = false;
    options.stream_buffer_max = limits.write_buffer_max;
    options.header_timeout = limits.header_timeout;
    options.stall_timeout = limits.stall_timeout;
    options.idle_timeout = limits.idle_timeout;
    return options;
  }

  // A stream that the peer has reset still counts until its handler has returned: resetting buys nothing. Twice the
  // number that nghttp2 allows, as handlers end a little after their streams.
  Http2StreamPtr begin_stream() override {
    if (running_ >= 2 * options().streams_max) return nullptr;
    auto stream = std::make_shared<ServerStream>(deps_.heads, deps_.limits.header_bytes_free);
    ++running_;
    return stream;
  }
  void on_header(Http2Stream& base, std::string_view name, std::string_view value) override {
    auto& stream = static_cast<ServerStream&>(base);
    if (stream.ctx_made) return;  // trailers
    stream.header_bytes += name.size() + value.size() + 32;
    if (stream.header_bytes > options().header_bytes_max || !stream.lease.grow_to(stream.header_bytes)) {
      stream.too_large = true;
      return;
    }
    if (name == ":method")
      stream.head.method = value;
    else if (name == ":path")
      set_path(stream.head, value);
    else if (name == ":authority")
      stream.authority = value;
    else if (!name.starts_with(':'))
      stream.head.headers.add(std::string(name), std::string(value));
  }
  void on_headers_done(const Http2StreamPtr& base, bool) override {
    auto stream = std::static_pointer_cast<ServerStream>(base);
    if (stream->ctx_made) return;
    stream->ctx_made = true;
    stream->too_large |= stream->field_too_large;
    stream->ctx = ctx_.child();
    handlers_.spawn(handle(std::move(stream)));
  }
  void on_closed(Http2Stream& base) override {
    auto& stream = static_cast<ServerStream&>(base);
    if (!stream.ctx_made) --running_;  // it never got a handler
    stream.ctx.cancel();
  }
  static void set_path(RequestHead& head, std::string_view value) {
    const auto question = value.find('?');
    head.path = std::string(value.substr(0, question));
    if (question != std::string_view::npos) head.query = std::string(value.substr(question + 1));
  }
  rt::Task<void> handle(ServerStreamPtr stream);

  ConnectionDeps deps_;
  PeerInfo info_;
  rt::Context ctx_ = rt::Context::background();
  rt::TaskGroup handlers_;
  uint32_t running_ = 0;
};

class Body final : public BodyReader {
 public:
  Body(Connection& connection, ServerStreamPtr stream, bool expects_continue)
      : connection_(connection), stream_(std::move(stream)), continue_pending_(expects_continue) {}
  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    if (continue_pending_ && !stream_->in_ended && stream_->in.empty()) {
      connection_.submit_interim(*stream_, {{":status", "100"}});
    }
    continue_pending_ = false;
    return connection_.read_body(std::move(ctx), stream_);
  }
  void response_started() { continue_pending_ = false; }

 private:
  Connection& connection_;
  ServerStreamPtr stream_;
  bool continue_pending_;
};

class Writer final : public ResponseWriter, public Abortable {
 public:
  Writer(Connection& connection, Body& body, ServerStreamPtr stream) : connection_(connection), body_(body), stream_(std::move(stream)) {}

  Headers& headers() override { return headers_; }
  bool started() const override { return started_; }
  void abort() override { connection_.abandon(*stream_); }

  rt::Task<Result<Unit>> start(int status) override {
    CHECK(!started_, "a response starts once");
    started_ = true;
    body_.response_started();
    const bool bodiless = status < 200 || status == 204 || status == 304;
    left_ = parse_content_length(headers_.get("content-length"));
    silent_ = bodiless || stream_->head.method == "HEAD" || (left_ && *left_ == 0);
    if (!submit(status)) co_return gone();
    co_return Unit{};
  }
  rt::Task<Result<Unit>> write(std::vector<Bytes> data) override {
    if (!started_) CO_TRY(co_await start(200));
    if (silent_) co_return Unit{};
    if (left_) {
      std::size_t size = 0;
      for (const auto& piece : data) size += piece.size();
      if (size > *left_) {
        connection_.reset(*stream_, http2_internal_error);
        co_return internal("more body than the declared content-length");
      }
      *left_ -= size;
      if (*left_ == 0) stream_->out_ended = true;  // so that the last frame says so
    }
    co_return co_await connection_.write_body(stream_, std::move(data));
  }
  rt::Task<Result<Unit>> flush() override {
    if (stream_->closed && !stream_->out_ended) co_return gone();
    co_return Unit{};
  }
  rt::Task<Result<Unit>> upgrade(UpgradeHandler) override { co_return error(Reason::MethodNotAllowed, "HTTP/2 has no upgrade"); }
  rt::Task<void> finish() {
    if (!started_) {
      headers_.set("content-length", "0");
      (void)co_await start(500);
    }
    if (!silent_) end();
  }

 private:
  void end() {
    if (left_ && *left_ > 0) {
      connection_.reset(*stream_, http2_internal_error);
    } else {
      connection_.end_body(*stream_);
    }
  }
  static Unexpected<Status> gone() { return error(Reason::ServiceUnavailable, "the peer reset the stream"); }
  bool submit(int status) {
    const std::string code = std::to_string(status);
    if (!headers_.has("date")) headers_.add("date", http_date_of_now(connection_.deps_.runtime.clock()));
    std::vector<Headers::Item> items;
    items.reserve(headers_.items().size());
    for (const auto& [name, value] : headers_.items()) {
      std::string lowered = to_lower(name);
      if (is_connection_field(lowered)) continue;
      std::string text = value;
      for (char& c : text) {
        if (!is_field_value(std::string_view(&c, 1))) c = ' ';
      }
      items.emplace_back(std::move(lowered), std::move(text));
    }
    std::vector<std::pair<std::string_view, std::string_view>> fields{{":status", code}};
    fields.reserve(items.size() + 1);
    for (const auto& [name, value] : items) fields.emplace_back(name, value);
    return connection_.submit_response(*stream_, fields, !silent_);
  }

  Connection& connection_;
  Body& body_;
  ServerStreamPtr stream_;
  Headers headers_;
  std::optional<uint64_t> left_;
  bool started_ = false;
  bool silent_ = false;
};

rt::Task<void> Connection::handle(ServerStreamPtr stream) {
  RequestHead& head = stream->head;
  Body body(*this, stream, equal_fold(head.headers.get("expect"), "100-continue"));
  Writer writer(*this, body, stream);
  Request request;
  request.http_major = 2;
  request.scheme = info_.scheme;
  request.remote = info_.remote;
  request.local = info_.local;
  request.peer = info_.peer;
  request.peer_error = info_.peer_error;
  request.body = &body;
  request.method = head.method;
  request.path = std::move(head.path);
  request.query = std::move(head.query);
  request.host = stream->authority.empty() ? std::string(head.headers.get("host")) : stream->authority;
  request.headers = std::move(head.headers);
  if (stream->too_large) {
    (void)co_await respond(writer, 431, "text/plain; charset=utf-8", Bytes::literal("431 Request Header Fields Too Large"));
  } else if (!request.path.starts_with('/') && request.path != "*") {
    (void)co_await respond(writer, 400, "text/plain; charset=utf-8", Bytes::literal("400 Bad Request: malformed :path"));
  } else {
    co_await deps_.handler.serve(stream->ctx, request, writer);
  }
  co_await writer.finish();
  stream->ctx.cancel();
  --running_;
}

}  // namespace

std::unique_ptr<ServerConnection> make_http2_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream) {
  return std::make_unique<Connection>(deps, std::move(info), std::move(stream));
}

}  // namespace pintle::net

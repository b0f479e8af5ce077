// HTTP/1.1, the server's side: one task reads ahead (and so learns at once that the peer is gone), one serves the
// requests in turn.
#include <charconv>

#include "net/abortable.h"
#include "net/http1_message.h"
#include "net/http_date.h"
#include "net/input_buffer.h"
#include "net/server_connection.h"
#include "net/signal.h"
#include "net/text.h"
#include "net/watchdog.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr std::size_t read_ahead_max = 64 << 10;      // while a request is served; then the peer waits
constexpr std::size_t gather_bytes_max = 64 << 10;    // write() keeps up to this much until flush()
constexpr std::size_t send_batch_bytes = 256 << 10;   // of one write to the stream
constexpr std::size_t discard_bytes_max = 256 << 10;  // of a body that nobody read; past it the connection is closed
constexpr std::size_t linger_bytes_max = 1 << 20;

class Connection final : public ServerConnection {
 public:
  Connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream)
      : deps_(deps),
        info_(std::move(info)),
        stream_(std::move(stream)),
        read_dog_(deps.runtime, rt::Executor::current(), [this] { expire(); }),
        write_dog_(deps.runtime, rt::Executor::current(), [this] { expire(); }) {}

  rt::Task<void> run(rt::Context ctx, std::string received) override;
  void begin_drain() override {
    draining_ = true;
    data_->notify();
  }
  void abort() override {
    request_ctx_.cancel();
    stream_->close();
  }

 private:
  friend class Body;
  friend class Writer;
  friend class Raw;

  void expire() {
    timed_out_ = true;
    stream_->close();
  }
  rt::Task<void> read_loop();
  // Waits until the reader has more, or is done, or `ctx` is.
  rt::Task<Result<Unit>> more(rt::Context ctx);
  rt::Task<Result<RequestHead>> read_head(HeadLease* lease);
  rt::Task<bool> serve(rt::Context ctx, RequestHead head);
  rt::Task<void> refuse(Status why);
  rt::Task<void> linger();
  void drop_input() {
    dropped_ += in_.size();
    in_.consume(in_.size());
  }
  rt::Task<Result<Unit>> send(std::vector<Bytes> data);
  rt::Task<Result<Unit>> send_batch(std::vector<Bytes> batch);

  ConnectionDeps deps_;
  PeerInfo info_;
  std::unique_ptr<rt::Stream> stream_;
  Watchdog read_dog_;
  Watchdog write_dog_;
  InputBuffer in_;
  std::size_t in_max_ = read_ahead_max;
  std::shared_ptr<Signal> data_ = std::make_shared<Signal>();  // the reader has something for whoever serves
  Signal room_;                                                // and the other way round
  rt::Context request_ctx_ = rt::Context::background();
  bool reader_done_ = false;
  bool stop_reading_ = false;
  bool discard_ = false;
  std::size_t dropped_ = 0;  // bytes of what nobody serves any more
  bool timed_out_ = false;
  bool draining_ = false;
};

// The body of the request that is being served.
class Body final : public BodyReader {
 public:
  Body(Connection& connection, BodyFraming framing, bool expects_continue)
      : connection_(connection),
        framing_(framing),
        left_(framing.length),
        continue_pending_(expects_continue && framing.kind != BodyFraming::Kind::None) {
    done_ = framing.kind == BodyFraming::Kind::None;
  }

  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    if (continue_pending_ && !done_) {
      continue_pending_ = false;
      std::vector<Bytes> interim{Bytes::literal("HTTP/1.1 100 Continue\r\n\r\n")};
      if (!response_started_) CO_TRY(co_await connection_.send(std::move(interim)));
    }
    while (!done_) {
      auto piece = take();
      if (!piece) {
        broken_ = done_ = true;
        co_return Unexpected(piece.error());
      }
      if (!piece->empty()) co_return std::move(*piece);
      if (done_) break;
      connection_.read_dog_.expect_within(connection_.deps_.limits.idle_timeout);
      auto waited = co_await connection_.more(ctx);
      connection_.read_dog_.disarm();
      if (!waited) {
        if (connection_.reader_done_) broken_ = done_ = true;
        co_return Unexpected(waited.error());
      }
    }
    co_return Bytes();
  }

  // Reads and drops the rest; false if that is too much or not possible: the connection cannot be kept.
  rt::Task<bool> discard() {
    if (continue_pending_ && !done_) co_return false;
    std::size_t dropped = 0;
    while (!done_) {
      auto piece = co_await read(rt::Context::background());
      if (!piece) co_return false;
      dropped += piece->size();
      if (dropped > discard_bytes_max) co_return false;
    }
    co_return !broken_;
  }
  // Known before the response starts: whether discard() can succeed.
  bool hopeless() const { return !done_ && (continue_pending_ || left_ > discard_bytes_max); }
  void response_started() { response_started_ = true; }

 private:
  Result<Bytes> take() {
    InputBuffer& in = connection_.in_;
    std::string_view available = in.view();
    std::string piece;
    if (framing_.kind == BodyFraming::Kind::Length) {
      piece = std::string(available.substr(0, static_cast<std::size_t>(std::min<uint64_t>(left_, available.size()))));
      left_ -= piece.size();
      available.remove_prefix(piece.size());
      done_ = left_ == 0;
    } else {
      while (!available.empty() && !chunks_.done()) {
        auto part = chunks_.next(available);
        if (!part) return Unexpected(part.error());
        piece.append(*part);
      }
      done_ = chunks_.done();
    }
    in.consume(in.size() - available.size());
    connection_.room_.notify();
    return Bytes(std::move(piece));
  }

  Connection& connection_;
  BodyFraming framing_;
  ChunkDecoder chunks_;
  uint64_t left_;
  bool continue_pending_;
  bool response_started_ = false;
  bool done_ = false;
  bool broken_ = false;
};

// The connection's bytes after a 101. Must not outlive the upgrade handler's task.
class Raw final : public rt::Stream {
 public:
  explicit Raw(Connection& connection) : connection_(connection) {}

  rt::Task<Result<std::size_t>> read(rt::Context ctx, std::span<char> out) override {
    InputBuffer& in = connection_.in_;
    while (in.empty() && !connection_.reader_done_) CO_TRY(co_await connection_.more(ctx));
    if (in.empty()) co_return co_await connection_.stream_->read(ctx, out);
    const std::size_t n = std::min(out.size(), in.size());
    std::memcpy(out.data(), in.view().data(), n);
    in.consume(n);
    connection_.room_.notify();
    co_return n;
  }
  rt::Task<Result<Unit>> write(rt::Context ctx, std::string_view data) override { return connection_.stream_->write(ctx, data); }
  rt::Task<Result<Unit>> write(rt::Context ctx, std::vector<Bytes> data) override { return connection_.stream_->write(ctx, std::move(data)); }
  void shutdown_write() override { connection_.stream_->shutdown_write(); }
  void close() override { connection_.stream_->close(); }
  rt::Endpoint local() const override { return connection_.stream_->local(); }
  rt::Endpoint remote() const override { return connection_.stream_->remote(); }

 private:
  Connection& connection_;
};

class Writer final : public ResponseWriter, public Abortable {
 public:
  Writer(Connection& connection, Body& body, const RequestHead& head, rt::Context ctx, bool keep)
      : connection_(connection), body_(body), head_request_(head.method == "HEAD"), minor_(head.minor), ctx_(std::move(ctx)), keep_(keep) {}

  Headers& headers() override { return headers_; }
  bool started() const override { return started_; }
  void abort() override {
    broken_ = true;
    connection_.stream_->close();
  }

  rt::Task<Result<Unit>> start(int status) override {
    CHECK(!started_, "a response starts once");
    started_ = true;
    body_.response_started();
    const bool bodiless = status < 200 || status == 204 || status == 304;
    headers_.remove("transfer-encoding");
    left_ = parse_content_length(headers_.get("content-length"));
    silent_ = bodiless || head_request_;
    if (bodiless) {
      headers_.remove("content-length");
    } else if (!left_) {
      if (minor_ == 0) {
        keep_ = false;
      } else {
        headers_.add("Transfer-Encoding", "chunked");
        chunked_ = !silent_;
      }
    }
    if (connection_.draining_ || body_.hopeless()) keep_ = false;
    if (!keep_) headers_.set("Connection", "close");
    put_head(status);
    co_return Unit{};
  }

  rt::Task<Result<Unit>> write(std::vector<Bytes> data) override {
    if (!started_) CO_TRY(co_await start(200));
    if (broken_) co_return error(Reason::ServiceUnavailable, "connection lost");
    std::size_t size = 0;
    for (const auto& piece : data) size += piece.size();
    if (silent_ || size == 0) co_return Unit{};
    if (left_) {
      if (size > *left_) {
        broken_ = true;
        co_return internal("more body than the declared content-length");
      }
      *left_ -= size;
    }
    if (chunked_) put_chunk_size(size);
    for (auto& piece : data) put(std::move(piece));
    if (chunked_) put(Bytes::literal("\r\n"));
    if (gathered_ >= gather_bytes_max) co_return co_await flush();
    co_return Unit{};
  }

  rt::Task<Result<Unit>> flush() override {
    if (broken_) co_return error(Reason::ServiceUnavailable, "connection lost");
    if (pending_.empty()) co_return Unit{};
    gathered_ = 0;
    auto batch = std::exchange(pending_, {});
    auto sent = co_await connection_.send(std::move(batch));
    if (!sent) broken_ = true;
    co_return sent;
  }

  rt::Task<Result<Unit>> upgrade(UpgradeHandler handler) override {
    CHECK(!started_, "a response starts once");
    if (minor_ == 0) co_return error(Reason::MethodNotAllowed, "HTTP/1.0 has no upgrade");
    started_ = true;
    keep_ = false;
    upgraded_ = true;
    put_head(101);
    CO_TRY(co_await flush());
    connection_.stop_reading_ = true;
    connection_.room_.notify();
    // From here on the end of the input is the upgrade handler's to see.
    co_await handler(ctx_, std::make_unique<Raw>(connection_));
    co_return Unit{};
  }

  // After the handler: what is left to send. True if the connection can serve another request.
  rt::Task<bool> finish() {
    if (upgraded_) co_return false;
    if (!started_) {
      headers_.set("Content-Length", "0");
      (void)co_await start(500);
    }
    if (chunked_ && !broken_) put(Bytes::literal("0\r\n\r\n"));
    const bool whole = silent_ || !left_ || *left_ == 0;
    const auto flushed = co_await flush();
    if (!flushed || !whole) {
      connection_.stream_->close();
      co_return false;
    }
    co_return keep_;
  }
  bool upgraded() const { return upgraded_; }

 private:
  void put(Bytes piece) {
    gathered_ += piece.size();
    pending_.push_back(std::move(piece));
  }
  void put_head(int status) {
    if (!headers_.has("date")) headers_.add("Date", http_date_of_now(connection_.deps_.runtime.clock()));
    Headers safe;
    for (const auto& [name, value] : headers_.items()) {
      std::string text = value;
      for (char& c : text) {
        if (!is_field_value(std::string_view(&c, 1))) c = ' ';
      }
      safe.add(name, std::move(text));
    }
    put(Bytes(format_response_head(status, safe)));
  }
  void put_chunk_size(std::size_t size) {
    char text[20];
    const auto end = std::to_chars(text, text + sizeof text, size, 16).ptr;
    std::string line(text, end);
    put(Bytes(line + "\r\n"));
  }

  Connection& connection_;
  Body& body_;
  const bool head_request_;
  const int minor_;
  rt::Context ctx_;
  Headers headers_;
  std::vector<Bytes> pending_;
  std::size_t gathered_ = 0;
  std::optional<uint64_t> left_;
  bool keep_;
  bool started_ = false;
  bool silent_ = false;
  bool chunked_ = false;
  bool broken_ = false;
  bool upgraded_ = false;
};

rt::Task<void> Connection::read_loop() {
  while (!stop_reading_) {
    while (in_.size() >= in_max_ && !stop_reading_ && !discard_) co_await room_.wait();
    if (stop_reading_) break;
    auto n = co_await stream_->read(rt::Context::background(), in_.prepare());
    if (!n || *n == 0) {
      request_ctx_.cancel();
      break;
    }
    in_.commit(*n);
    if (discard_) drop_input();  // here, since many reads may be done before whoever lingers has its turn
    data_->notify();
  }
  reader_done_ = true;
  data_->notify();
}

rt::Task<Result<Unit>> Connection::more(rt::Context ctx) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  if (reader_done_) {
    if (timed_out_) co_return error(Reason::Timeout, "the peer was too slow");
    co_return error(Reason::ServiceUnavailable, "the peer closed the connection");
  }
  rt::Executor& executor = rt::Executor::current();
  auto registration = ctx.on_done([signal = data_, &executor] { executor.post([signal] { signal->notify(); }); });
  co_await data_->wait();
  co_return Unit{};
}

// Waits for a complete head. Errors: with a code to answer, or code 0: nothing to answer.
rt::Task<Result<RequestHead>> Connection::read_head(HeadLease* lease) {
  std::size_t scanned = 0;
  bool begun = false;
  while (true) {
    auto end = find_head_end(in_.view(), scanned);
    if (!end) co_return Unexpected(end.error());
    if (*end > deps_.limits.header_bytes_max || (*end == 0 && in_.size() >= deps_.limits.header_bytes_max)) {
      co_return Unexpected(Status{Reason::BadRequest, 431, "request header fields too large", {}});
    }
    if (!lease->grow_to(*end > 0 ? *end : in_.size())) co_return Unexpected(Status{Reason::BadRequest, 431, "too many large headers at once", {}});
    in_max_ = std::min(deps_.limits.header_bytes_max, in_.size() + read_ahead_max);  // what is read goes little beyond what is leased
    room_.notify();                                                                  // the reader may have stopped at the limit, with this head begun
    if (*end > 0) {
      auto head = parse_request_head(in_.view().substr(0, *end));
      in_.consume(*end);
      in_max_ = read_ahead_max;
      room_.notify();
      co_return head;
    }
    if (!begun && !in_.empty()) {
      begun = true;
      read_dog_.expect_within(deps_.limits.header_timeout);
    }
    if (draining_ && in_.empty()) co_return error(Reason::Cancelled, "draining");
    CO_TRY(co_await more(rt::Context::background()));
  }
}

rt::Task<bool> Connection::serve(rt::Context ctx, RequestHead head) {
  auto framing = request_framing(head);
  if (!framing) {
    co_await refuse(framing.error());
    co_return false;
  }
  const bool expects_continue = head.minor > 0 && equal_fold(head.headers.get("expect"), "100-continue");
  const bool keep = keeps_alive(head.headers, head.minor) && !draining_;
  Body body(*this, *framing, expects_continue);
  Request request;
  request.http_major = 1;
  request.scheme = info_.scheme;
  request.remote = info_.remote;
  request.local = info_.local;
  request.peer = info_.peer;
  request.peer_error = info_.peer_error;
  request.body = &body;
  Writer writer(*this, body, head, ctx, keep);
  request.method = std::move(head.method);
  request.path = std::move(head.path);
  request.query = std::move(head.query);
  request.host = std::move(head.host);
  request.headers = std::move(head.headers);
  co_await deps_.handler.serve(ctx, request, writer);
  if (writer.upgraded()) co_return false;
  const bool reusable = co_await writer.finish();
  if (!reusable) co_return false;
  co_return co_await body.discard();
}

rt::Task<void> Connection::refuse(Status why) {
  if (why.code == 0) co_return;
  std::string text = std::to_string(why.code) + " ";
  text += status_text(why.code);
  if (!why.message.empty()) text += ": " + why.message;
  Headers headers;
  headers.add("Content-Type", "text/plain; charset=utf-8");
  headers.add("Content-Length", std::to_string(text.size()));
  headers.add("Connection", "close");
  std::vector<Bytes> answer;
  answer.push_back(Bytes(format_response_head(why.code, headers)));
  answer.push_back(Bytes(std::move(text)));
  (void)co_await send(std::move(answer));
}

// In batches: a peer that reads slowly but steadily does not run into the deadline of one write.
rt::Task<Result<Unit>> Connection::send(std::vector<Bytes> data) {
  std::vector<Bytes> batch;
  std::size_t size = 0;
  for (auto& piece : data) {
    while (!piece.empty()) {
      Bytes part = piece.substr(0, send_batch_bytes - size);
      piece = piece.substr(part.size());
      size += part.size();
      batch.push_back(std::move(part));
      if (size < send_batch_bytes) continue;
      size = 0;
      CO_TRY(co_await send_batch(std::exchange(batch, {})));
    }
  }
  if (batch.empty()) co_return Unit{};
  co_return co_await send_batch(std::move(batch));
}

rt::Task<Result<Unit>> Connection::send_batch(std::vector<Bytes> batch) {
  write_dog_.expect_within(deps_.limits.stall_timeout);
  auto sent = co_await stream_->write(rt::Context::background(), std::move(batch));
  write_dog_.disarm();
  co_return sent;
}

// Lets the peer read the last answer before the connection is torn down: closing with unread input would reset it.
rt::Task<void> Connection::linger() {
  stream_->shutdown_write();
  read_dog_.expect_within(linger_time);
  discard_ = true;
  drop_input();
  room_.notify();
  while (!reader_done_ && dropped_ < linger_bytes_max) co_await data_->wait();
  std::string scratch(stop_reading_ ? 2048 : 0, '\0');  // after an upgrade nobody reads ahead
  while (stop_reading_ && dropped_ < linger_bytes_max) {
    auto n = co_await stream_->read(rt::Context::background(), scratch);
    if (!n || *n == 0) break;
    dropped_ += *n;
  }
  read_dog_.disarm();
}

rt::Task<void> Connection::run(rt::Context ctx, std::string received) {
  in_ = InputBuffer(received);
  run_detached(read_loop());
  read_dog_.expect_within(deps_.limits.header_timeout);
  bool keep = true;
  while (keep) {
    HeadLease lease(deps_.heads, deps_.limits.header_bytes_free);
    auto head = co_await read_head(&lease);
    read_dog_.disarm();
    if (!head) {
      co_await refuse(head.error());
      break;
    }
    request_ctx_ = ctx.child();
    if (reader_done_ && !stop_reading_) request_ctx_.cancel();
    keep = co_await serve(request_ctx_, std::move(*head));
    request_ctx_.cancel();
    request_ctx_ = rt::Context::background();
    if (draining_ && in_.empty()) break;
    read_dog_.expect_within(deps_.limits.idle_timeout);
  }
  read_dog_.disarm();
  if (!reader_done_ || stop_reading_) co_await linger();
  stream_->close();
  while (!reader_done_) co_await data_->wait();
}

}  // namespace

std::unique_ptr<ServerConnection> make_http1_connection(ConnectionDeps deps, PeerInfo info, std::unique_ptr<rt::Stream> stream) {
  return std::make_unique<Connection>(deps, std::move(info), std::move(stream));
}

}  // namespace pintle::net

#include "net/http2_client.h"

#include <charconv>

#include "net/text.h"

namespace pintle::net {

namespace {

struct ClientStream final : Http2Stream {
  int status = 0;
  Headers headers;
  std::size_t header_bytes = 0;
  bool head_done = false;
  rt::Context upload = rt::Context::background();  // of sending a body that comes piece by piece
};
using ClientStreamPtr = std::shared_ptr<ClientStream>;

// Leaving a response unread resets its stream.
class Body final : public BodyReader {
 public:
  Body(std::shared_ptr<Http2Client> connection, ClientStreamPtr stream)
      : connection_(std::move(connection)), stream_(std::move(stream)), executor_(rt::Executor::current()) {}
  ~Body() override {
    stream_->upload.cancel();
    if (rt::Executor::current_or_null() == &executor_) {
      connection_->reset(*stream_, http2_cancel);
    } else {
      executor_.post([connection = connection_, stream = stream_] { connection->reset(*stream, http2_cancel); });
    }
  }
  rt::Task<Result<Bytes>> read(rt::Context ctx) override { return connection_->read_body(std::move(ctx), stream_); }

 private:
  std::shared_ptr<Http2Client> connection_;
  ClientStreamPtr stream_;
  rt::Executor& executor_;
};

Http2Options to_options(const ClientOptions& client) {
  Http2Options options;
  options.server = false;
  options.header_bytes_max = response_header_bytes_max;
  options.stream_window = 1 << 20;
  options.connection_window = 8 << 20;
  options.idle_timeout = client.idle_timeout;
  options.ping_after = std::chrono::seconds(30);
  return options;
}

bool is_connection_field(std::string_view name) {
  for (std::string_view one : {"host", "connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "content-length"}) {
    if (equal_fold(name, one)) return true;
  }
  return false;
}

}  // namespace

Http2Client::Http2Client(rt::Runtime& runtime, std::unique_ptr<rt::Stream> stream, const ClientOptions& options)
    : Http2Connection(runtime, std::move(stream), to_options(options)) {}

rt::Task<void> Http2Client::run(std::shared_ptr<Http2Client> self) { co_await self->run_io(""); }

void Http2Client::on_header(Http2Stream& base, std::string_view name, std::string_view value) {
  auto& stream = static_cast<ClientStream&>(base);
  if (stream.head_done) return;  // trailers
  stream.header_bytes += name.size() + value.size() + 32;
  if (stream.header_bytes > options().header_bytes_max) return reset(stream, http2_cancel);
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), stream.status);
  } else if (!name.starts_with(':')) {
    stream.headers.add(std::string(name), std::string(value));
  }
}

void Http2Client::on_headers_done(const Http2StreamPtr& base, bool) {
  auto& stream = static_cast<ClientStream&>(*base);
  if (stream.head_done) return;
  if (stream.status < 200) {
    stream.headers = {};  // an interim answer
    return;
  }
  stream.head_done = true;
  stream.readable.notify();
}

void Http2Client::on_closed(Http2Stream& base) { static_cast<ClientStream&>(base).upload.cancel(); }

namespace {

// Sends a body as it comes. A body that breaks off, or is longer or shorter than was said, resets the stream.
rt::Task<void> send_stream(std::shared_ptr<Http2Client> connection, ClientStreamPtr stream, std::shared_ptr<BodyReader> source,
                           std::optional<uint64_t> left) {
  while (true) {
    // Not through a constant of this frame: g++ 12 keeps such a one on the stack, which is another after a suspension.
    auto piece = co_await source->read(stream->upload);
    const bool wrong = !piece || (left && (piece->size() > *left || (piece->empty() && *left > 0)));
    if (wrong) {
      connection->reset(*stream, http2_cancel);
      break;
    }
    if (piece->empty()) {
      connection->end_body(*stream);
      break;
    }
    if (left) *left -= piece->size();
    std::vector<Bytes> data;
    data.push_back(std::move(*piece));
    auto sent = co_await connection->write_body(stream, std::move(data));
    if (!sent) break;
  }
}

}  // namespace

rt::Task<ExchangeResult> Http2Client::exchange(rt::Context ctx, Url url, ForwardedRequest forwarded) {
  ClientRequest& request = forwarded.head;
  auto stream = std::make_shared<ClientStream>();
  const bool first = !std::exchange(used_, true);
  const std::string scheme = url.scheme == "https" ? "https" : "http";
  const std::string length = std::to_string(forwarded.body ? forwarded.body_bytes.value_or(0) : request.body.size());
  std::vector<Headers::Item> items;
  for (const auto& [name, value] : request.headers.items()) {
    if (is_connection_field(name)) continue;
    if (!is_token(name) || !is_field_value(value)) co_return ExchangeResult{bad_request("malformed header " + name), false};
    items.emplace_back(to_lower(name), value);
  }
  const std::string host(request.headers.has("host") ? std::string(request.headers.get("host")) : url.authority);
  Fields fields;
  fields.emplace_back(":method", request.method);
  fields.emplace_back(":scheme", scheme);
  fields.emplace_back(":authority", host);
  fields.emplace_back(":path", url.target);
  for (const auto& [name, value] : items) fields.emplace_back(name, value);
  const bool with_body = forwarded.body || !request.body.empty();
  if (with_body && (!forwarded.body || forwarded.body_bytes)) fields.emplace_back("content-length", length);
  if (!submit_request(stream, fields, with_body)) {
    co_return ExchangeResult{error(Reason::ServiceUnavailable, "the connection is closing"), true};
  }
  if (forwarded.body) {
    stream->upload = ctx.child();
    run_detached(send_stream(shared_from_this(), stream, forwarded.body, forwarded.body_bytes));
  } else if (with_body) {
    queue_body(*stream, request.body);
  }
  rt::Executor& executor = rt::Executor::current();
  auto registration = ctx.on_done([stream, &executor] { executor.post([stream] { stream->readable.notify(); }); });
  while (!stream->head_done && !stream->closed && !ctx.done()) co_await stream->readable.wait();
  if (stream->head_done) {
    Response response;
    response.status = stream->status;
    response.headers = std::move(stream->headers);
    response.body = std::make_unique<Body>(shared_from_this(), stream);
    co_return ExchangeResult{std::move(response), false};
  }
  if (!stream->closed) {
    stream->upload.cancel();
    reset(*stream, http2_cancel);
    co_return ExchangeResult{Unexpected(ctx.status()), false};
  }
  stream->upload.cancel();
  const bool refused = stream->error_code == http2_refused_stream && !forwarded.body;
  const bool stale = !usable() && !first && is_idempotent(request.method) && !forwarded.body;
  std::string why = "the peer ended the stream: ";
  why += http2_error_name(stream->error_code);
  co_return ExchangeResult{error(Reason::ServiceUnavailable, std::move(why)), refused || stale};
}

}  // namespace pintle::net

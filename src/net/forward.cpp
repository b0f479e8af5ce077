#include "net/forward.h"

#include <algorithm>

#include "net/http1_message.h"
#include "net/signal.h"
#include "net/text.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr std::size_t copy_bytes = 16 << 10;

constexpr std::string_view bearer_protocol_prefix = "base64url.bearer.authorization.k8s.io.";
constexpr std::string_view hop_headers[] = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"};

bool starts_fold(std::string_view name, std::string_view prefix) { return equal_fold(name.substr(0, prefix.size()), prefix); }

bool is_hop(std::string_view name) {
  for (const std::string_view hop : hop_headers)
    if (equal_fold(name, hop)) return true;
  return false;
}

// The fields that a message's Connection headers name: they are of this hop too (RFC 9110 7.6.1).
std::vector<std::string> named_by_connection(const Headers& headers) {
  std::vector<std::string> out;
  for (const auto value : headers.get_all("connection"))
    for (const auto name : split_list(value)) out.emplace_back(name);
  return out;
}

bool is_among(std::string_view name, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& one) { return equal_fold(name, one); });
}

// The subprotocols but for the one that carries a token (which the API server's WebSocket clients cannot put elsewhere).
std::string without_token(std::string_view protocols) {
  std::string out;
  for (const auto one : split_list(protocols)) {
    if (starts_fold(one, bearer_protocol_prefix)) continue;
    if (!out.empty()) out += ", ";
    out += one;
  }
  return out;
}

// Who asked is this server's affair; the next one gets its own credentials.
bool is_identity(std::string_view name) {
  return equal_fold(name, "authorization") || starts_fold(name, "impersonate-") || starts_fold(name, "x-remote-");
}

rt::Task<void> copy(rt::Context ctx, rt::Stream* from, rt::Stream* to, rt::Stream* other) {
  std::string buffer(copy_bytes, '\0');
  while (true) {
    auto n = co_await from->read(ctx, buffer);
    if (!n || *n == 0) break;
    auto wrote = co_await to->write(ctx, std::string_view(buffer.data(), *n));
    if (!wrote) break;
  }
  to->close();
  other->close();
}

}  // namespace

bool is_upgrade_request(const Request& request) {
  for (const auto value : request.headers.get_all("connection"))
    if (list_has(value, "upgrade")) return true;
  return false;
}

Headers forwarded_headers(const Request& request, bool upgrade) {
  Headers out;
  const auto named = named_by_connection(request.headers);
  for (const auto& [name, value] : request.headers.items()) {
    if (is_identity(name) || equal_fold(name, "host") || equal_fold(name, "content-length") || equal_fold(name, "expect") || name.starts_with(':'))
      continue;
    if (is_hop(name) || is_among(name, named)) continue;
    if (!equal_fold(name, "sec-websocket-protocol")) {
      out.add(name, value);
    } else if (std::string protocols = without_token(value); !protocols.empty()) {
      out.add(name, std::move(protocols));
    }
  }
  if (upgrade) {
    out.add("Connection", "Upgrade");
    out.add("Upgrade", std::string(request.headers.get("upgrade")));
  }
  if (!request.remote.address.empty()) {
    const std::string_view before = request.headers.get("x-forwarded-for");
    out.set("X-Forwarded-For", before.empty() ? request.remote.address : std::string(before) + ", " + request.remote.address);
  }
  return out;
}

rt::Task<void> join_streams(rt::Context ctx, std::unique_ptr<rt::Stream> a, std::unique_ptr<rt::Stream> b) {
  const rt::Context both = ctx.child();
  rt::TaskGroup group;
  group.spawn(copy(both, a.get(), b.get(), a.get()));
  group.spawn(copy(both, b.get(), a.get(), b.get()));
  co_await group.join();
}

rt::Task<Result<Unit>> pass_answer(rt::Context ctx, Response& response, ResponseWriter& writer) {
  const auto named = named_by_connection(response.headers);
  for (const auto& [name, value] : response.headers.items())
    if (!is_hop(name) && !is_among(name, named)) writer.headers().add(name, value);
  CO_TRY(co_await writer.start(response.status));
  while (true) {
    auto piece = co_await response.body->read(ctx);
    if (!piece || piece->empty()) break;  // a body that breaks off ends the answer short: its length tells the client
    std::vector<Bytes> data;
    data.push_back(std::move(*piece));
    auto wrote = co_await writer.write(std::move(data));
    if (!wrote) break;
    auto flushed = co_await writer.flush();
    if (!flushed) break;
  }
  co_return Unit{};
}

namespace {

// A request's body, lent to the transport for as long as the forwarding takes; one executor.
class LentBody final : public BodyReader {
 public:
  LentBody(rt::Context ctx, BodyReader& body, Bytes first) : ctx_(ctx.child()), body_(&body), first_(std::move(first)) {}
  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    if (body_ == nullptr) co_return error(Reason::Cancelled, "the forwarding is over");
    if (!first_.empty()) co_return std::exchange(first_, Bytes());
    const auto registration = ctx.on_done([own = ctx_] { own.cancel(); });
    reading_ = true;
    auto piece = co_await body_->read(ctx_);
    reading_ = false;
    ended_.notify();
    co_return piece;
  }
  // The body is not touched again.
  rt::Task<void> take_back() {
    ctx_.cancel();
    while (reading_) co_await ended_.wait();
    body_ = nullptr;
  }

 private:
  rt::Context ctx_;
  BodyReader* body_;
  Bytes first_;
  bool reading_ = false;
  Signal ended_;
};

// What a request's body is sent as; nullptr: it has none. A length that is not known is known to be 0 by the first piece.
rt::Task<Result<std::shared_ptr<LentBody>>> lend_body(rt::Context ctx, Request& request, ForwardedRequest* next) {
  Bytes first;
  next->body_bytes = parse_content_length(request.headers.get("content-length"));
  if (!next->body_bytes) {
    CO_TRY_ASSIGN(first, co_await request.body->read(ctx));
    if (first.empty()) co_return nullptr;
  }
  if (next->body_bytes == 0) co_return nullptr;
  auto lent = std::make_shared<LentBody>(ctx, *request.body, std::move(first));
  next->body = lent;
  co_return lent;
}

ForwardedRequest next_request(const Request& request, std::string url, const ForwardOptions& options, bool upgrade) {
  ForwardedRequest next;
  next.head.method = options.method.empty() ? request.method : options.method;
  next.head.url = std::move(url);
  next.head.headers = options.own_headers ? options.headers : forwarded_headers(request, upgrade);
  next.head.upgrade = upgrade;
  next.address = options.address;
  return next;
}

rt::Task<Result<Unit>> send_and_answer(rt::Context ctx, ResponseWriter* writer, ForwardingTransport* transport, ForwardedRequest next,
                                       ForwardOptions options) {
  CO_TRY_ASSIGN(Response response, co_await transport->forward(ctx, std::move(next)));
  if (options.on_answer) CO_TRY(options.on_answer(response));
  co_return co_await pass_answer(std::move(ctx), response, *writer);
}

}  // namespace

rt::Task<Result<Unit>> forward_request(rt::Context ctx, Request& request, ResponseWriter& writer, ForwardingTransport& transport, std::string url,
                                       ForwardOptions options) {
  ForwardedRequest next = next_request(request, std::move(url), options, false);
  CO_TRY_ASSIGN(const auto lent, co_await lend_body(ctx, request, &next));
  auto answered = co_await send_and_answer(std::move(ctx), &writer, &transport, std::move(next), std::move(options));
  if (lent) co_await lent->take_back();
  co_return answered;
}

namespace {

rt::Task<Result<Unit>> join(rt::Context ctx, ResponseWriter* writer, Response response, ForwardOptions options) {
  if (options.on_answer) CO_TRY(options.on_answer(response));
  if (response.status != 101) {
    if (response.status < 400) co_return internal("invalid upgrade response: status code " + std::to_string(response.status));
    co_return co_await pass_answer(std::move(ctx), response, *writer);
  }
  for (const auto& [name, value] : response.headers.items()) writer->headers().add(name, value);
  auto backend = std::make_shared<std::unique_ptr<rt::Stream>>(std::move(response.upgraded));
  UpgradeHandler both = [backend, ctx](rt::Context, std::unique_ptr<rt::Stream> client) {
    return join_streams(ctx, std::move(client), std::move(*backend));
  };
  (void)co_await writer->upgrade(std::move(both));  // a client that is gone by now needs no answer
  co_return Unit{};
}

}  // namespace

rt::Task<Result<Unit>> forward_upgrade(rt::Context ctx, Request& request, ResponseWriter& writer, ForwardingTransport& transport, std::string url,
                                       ForwardOptions options) {
  ForwardedRequest next = next_request(request, std::move(url), options, true);
  CO_TRY_ASSIGN(Response response, co_await transport.forward(ctx, std::move(next)));
  co_return co_await join(std::move(ctx), &writer, std::move(response), std::move(options));
}

rt::Task<Result<Unit>> forward_upgrade(rt::Context ctx, Request& request, ResponseWriter& writer, Transport& transport, std::string url,
                                       ForwardOptions options) {
  CHECK(options.address.empty(), "an address needs a ForwardingTransport");
  ForwardedRequest next = next_request(request, std::move(url), options, true);
  CO_TRY_ASSIGN(Response response, co_await transport.send(ctx, std::move(next.head)));
  co_return co_await join(std::move(ctx), &writer, std::move(response), std::move(options));
}

}  // namespace pintle::net

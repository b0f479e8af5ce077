#include "net/forward.h"

#include "net/text.h"
#include "rt/sync.h"

namespace pintle::net {

namespace {

constexpr std::size_t copy_bytes = 16 << 10;

constexpr std::string_view hop_headers[] = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"};

bool starts_fold(std::string_view name, std::string_view prefix) { return equal_fold(name.substr(0, prefix.size()), prefix); }

bool is_hop(std::string_view name) {
  for (const std::string_view hop : hop_headers)
    if (equal_fold(name, hop)) return true;
  return false;
}

bool is_upgrade_header(std::string_view name) { return equal_fold(name, "connection") || equal_fold(name, "upgrade"); }

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
  for (const auto& [name, value] : request.headers.items()) {
    if (is_identity(name) || equal_fold(name, "host") || equal_fold(name, "content-length") || name.starts_with(':')) continue;
    if (is_hop(name) && !(upgrade && is_upgrade_header(name))) continue;
    out.add(name, value);
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
  for (const auto& [name, value] : response.headers.items())
    if (!is_hop(name)) writer.headers().add(name, value);
  CO_TRY(co_await writer.start(response.status));
  while (true) {
    auto piece = co_await response.body->read(ctx);
    if (!piece || piece->empty()) break;   // a body that breaks off ends the answer short: its length tells the client
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

rt::Task<Result<Response>> send_on(rt::Context ctx, Request& request, Transport& transport, std::string url, ForwardOptions& options, bool upgrade) {
  ClientRequest next;
  next.method = options.method.empty() ? request.method : options.method;
  next.url = std::move(url);
  next.headers = options.own_headers ? options.headers : forwarded_headers(request, upgrade);
  next.upgrade = upgrade;
  if (!upgrade) {
    CO_TRY_ASSIGN(next.body, co_await read_all(ctx, *request.body, forwarded_body_bytes_max));
  }
  CO_TRY_ASSIGN(Response response, co_await transport.send(ctx, std::move(next)));
  if (options.on_answer) CO_TRY(options.on_answer(response));
  co_return response;
}

}  // namespace

rt::Task<Result<Unit>> forward_request(rt::Context ctx, Request& request, ResponseWriter& writer, Transport& transport, std::string url, ForwardOptions options) {
  CO_TRY_ASSIGN(Response response, co_await send_on(ctx, request, transport, std::move(url), options, false));
  co_return co_await pass_answer(std::move(ctx), response, writer);
}

rt::Task<Result<Unit>> forward_upgrade(rt::Context ctx, Request& request, ResponseWriter& writer, Transport& transport, std::string url, ForwardOptions options) {
  CO_TRY_ASSIGN(Response response, co_await send_on(ctx, request, transport, std::move(url), options, true));
  if (response.status != 101) {
    if (response.status < 400) co_return internal("invalid upgrade response: status code " + std::to_string(response.status));
    co_return co_await pass_answer(std::move(ctx), response, writer);
  }
  for (const auto& [name, value] : response.headers.items()) writer.headers().add(name, value);
  auto backend = std::make_shared<std::unique_ptr<rt::Stream>>(std::move(response.upgraded));
  UpgradeHandler join = [backend, ctx](rt::Context, std::unique_ptr<rt::Stream> client) { return join_streams(ctx, std::move(client), std::move(*backend)); };
  (void)co_await writer.upgrade(std::move(join));   // a client that is gone by now needs no answer
  co_return Unit{};
}

}  // namespace pintle::net

#include "apiserver/endpoints/watches.h"

#include <algorithm>

#include "apiserver/endpoints/reads.h"
#include "apiserver/endpoints/request_limits.h"
#include "apiserver/endpoints/watch_frames.h"
#include "apiserver/exchange/responses.h"
#include "net/websocket.h"
#include "rt/far_time.h"
#include "rt/sync.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr rt::Duration shortest_bookmarked = std::chrono::seconds(2);

// How a watch is to end.
struct WatchEnd {
  bool bookmarks = false;
  rt::Duration lasts{};
};

// Of its errors those that the client is told of; the others are its own end.
bool is_told(const Status& status) { return status.reason == Reason::Expired || status.reason == Reason::InternalError; }

void first_state_sent(exchange::Exchange& exchange, const storage::CacheWatcher& watcher) {
  if (watcher.revision() > 0 && exchange.place != nullptr) exchange.place->release();
}

// The bookmark of a watch that ends by its own time: the client's next one begins there, not where the last bookmark was a minute ago. As
// upstream's, which sends it two seconds before the end, none for a watch that was not to last that long.
std::optional<storage::CacheEvent> last_bookmark(const WatchEnd& end, const Status& status, const storage::CacheWatcher& watcher, int64_t told) {
  if (!end.bookmarks || end.lasts <= shortest_bookmarked || status.reason != Reason::Timeout) return {};
  storage::CacheEvent bookmark;
  bookmark.type = storage::CacheEventType::Bookmark;
  bookmark.revision = watcher.revision();
  if (bookmark.revision <= told) return {};
  return bookmark;
}

// Ends when the watch does, or its peer.
rt::Task<void> send_events(exchange::Exchange& exchange, rt::Context ctx, storage::CacheWatcher& watcher, WatchFrames& frames, WatchEnd end) {
  int64_t told = 0;  // the newest revision that the client has read of
  while (true) {
    first_state_sent(exchange, watcher);
    auto events = co_await watcher.next(ctx);
    std::vector<Bytes> out;
    if (!events) {
      if (is_told(events.error())) frames.append_failure(events.error(), out);
      if (const auto bookmark = last_bookmark(end, events.error(), watcher, told)) frames.append(*bookmark, out);
      for (const Bytes& piece : out) exchange.answered_bytes += piece.size();
      if (!out.empty()) (void)co_await exchange.writer.write(std::move(out));
      co_return;
    }
    out.reserve(events->size() * 3);
    for (const storage::CacheEvent& event : *events) frames.append(event, out);
    told = events->back().revision;
    for (const Bytes& piece : out) exchange.answered_bytes += piece.size();
    auto written = co_await exchange.writer.write(std::move(out));
    if (!written) co_return;
    auto flushed = co_await exchange.writer.flush();
    if (!flushed) co_return;
  }
}

// Reads what nobody asked for, until the peer closes.
rt::Task<void> await_close(rt::Context ctx, net::WebSocket& socket) {
  while (true) {
    auto message = co_await socket.read(ctx);
    if (!message || !*message) break;
  }
  ctx.cancel();
}

// Browsers say where their page is from, and other clients play one: without, upstream's handshake is refused.
bool has_origin(const net::Request& request) { return request.headers.get("origin").find("://") != std::string_view::npos; }

}  // namespace

struct Watches::Started {
  exchange::Exchange& exchange;
  rt::Context ctx;
  Result<std::unique_ptr<storage::CacheWatcher>> watcher;  // an error is the one event
  ObjectForm form;

  rt::Task<Result<Unit>> send(net::WebSocket& socket, std::vector<Bytes> message) const {
    for (const Bytes& piece : message) exchange.answered_bytes += piece.size();
    return socket.write(ctx, form.output.media != exchange::Media::Protobuf, std::move(message));
  }
  // An event is a message.
  rt::Task<void> send_messages(net::WebSocket& socket) {
    WatchFrames frames(form, Framing::Messages);
    std::optional<Status> failure;
    if (!watcher) failure = watcher.error();
    while (!failure) {
      first_state_sent(exchange, **watcher);
      auto events = co_await (*watcher)->next(ctx);
      if (!events) {
        if (!is_told(events.error())) co_return;
        failure = events.error();
        break;
      }
      for (const storage::CacheEvent& event : *events) {
        std::vector<Bytes> message;
        frames.append(event, message);
        auto sent = co_await send(socket, std::move(message));
        if (!sent) co_return;
      }
    }
    std::vector<Bytes> message;
    frames.append_failure(*failure, message);
    (void)co_await send(socket, std::move(message));
  }
  rt::Task<void> serve(net::WebSocket& socket) {
    rt::TaskGroup reading;
    reading.spawn(await_close(ctx, socket));
    co_await send_messages(socket);
    ctx.cancel();
    co_await reading.close();
  }
};

rt::Task<Result<Unit>> Watches::by_websocket(Started watch) {
  exchange::Exchange& exchange = watch.exchange;
  if (!has_origin(exchange.request)) {
    exchange.status = 403;
    (void)co_await net::respond(exchange.writer, 403, "text/plain; charset=utf-8", Bytes());
    co_return Unit{};
  }
  exchange.status = 101;
  std::vector<std::string> protocols{std::string(exchange.request.headers.get("sec-websocket-protocol"))};  // echoed; it changes nothing
  net::WebSocketHandler handler = [&watch](rt::Context, net::WebSocket& socket, std::string) { return watch.serve(socket); };
  (void)co_await net::accept_websocket(exchange.request, exchange.writer, std::move(protocols), deps_.random, std::move(handler));
  co_return Unit{};
}

int64_t Watches::seconds_of(const std::optional<int64_t>& asked) const {
  if (asked && *asked > 0) return *asked;
  // A random end in [minimum, 2 × minimum): clients that came together do not come back together.
  const auto minimum = static_cast<uint64_t>(std::max(deps_.min_request_timeout_seconds, 1));
  return static_cast<int64_t>(minimum + deps_.random.below(minimum));
}

rt::Task<Result<Unit>> Watches::watch(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(CollectionRequest request, read_collection_request(exchange, found, true));
  exchange::Media& media = request.form.output.media;
  if (media == exchange::Media::Yaml) media = exchange::Media::Json;
  WatchEnd end;
  end.bookmarks = request.parameters.allow_bookmarks;
  end.lasts = rt::seconds_of(seconds_of(request.parameters.timeout_seconds));
  const rt::Context ctx = exchange.ctx.with_timeout(end.lasts);
  auto watcher = co_await found.store->watch(ctx, std::move(request.selection), std::move(request.parameters));
  if (!watcher && watcher.error().reason != Reason::Expired) co_return Unexpected(std::move(watcher.error()));

  if (net::is_websocket_request(exchange.request)) {
    Started started{exchange, ctx.child(), std::move(watcher), std::move(request.form)};
    co_return co_await by_websocket(std::move(started));
  }
  exchange.status = 200;
  exchange::add_common_headers(exchange, exchange::watch_content_type(media));
  auto started = co_await exchange.writer.start(200);
  if (!started) co_return Unit{};
  WatchFrames frames(request.form);
  if (!watcher) {
    std::vector<Bytes> out;
    frames.append_failure(watcher.error(), out);
    (void)co_await exchange.writer.write(std::move(out));
    co_return Unit{};
  }
  auto flushed = co_await exchange.writer.flush();
  if (flushed) co_await send_events(exchange, ctx, **watcher, frames, end);
  co_return Unit{};
}

}  // namespace pintle::apiserver::endpoints

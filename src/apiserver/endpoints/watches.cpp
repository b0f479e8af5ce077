#include "apiserver/endpoints/watches.h"

#include <algorithm>

#include "apiserver/endpoints/reads.h"
#include "apiserver/endpoints/request_limits.h"
#include "apiserver/endpoints/watch_frames.h"
#include "apiserver/exchange/responses.h"
#include "rt/far_time.h"

namespace pintle::apiserver::endpoints {

namespace {

// Ends when the watch does, or its peer.
rt::Task<void> send_events(exchange::Exchange& exchange, rt::Context ctx, storage::CacheWatcher& watcher, WatchFrames& frames) {
  while (true) {
    if (watcher.revision() > 0 && exchange.place != nullptr) exchange.place->release();  // its first state has been sent
    auto events = co_await watcher.next(ctx);
    std::vector<Bytes> out;
    if (!events) {
      if (events.error().reason == Reason::Expired || events.error().reason == Reason::InternalError) {
        frames.append_failure(events.error(), out);
        (void)co_await exchange.writer.write(std::move(out));
      }
      co_return;
    }
    out.reserve(events->size() * 3);
    for (const storage::CacheEvent& event : *events) frames.append(event, out);
    for (const Bytes& piece : out) exchange.answered_bytes += piece.size();
    auto written = co_await exchange.writer.write(std::move(out));
    if (!written) co_return;
    auto flushed = co_await exchange.writer.flush();
    if (!flushed) co_return;
  }
}

}  // namespace

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
  const rt::Context ctx = exchange.ctx.with_timeout(rt::seconds_of(seconds_of(request.parameters.timeout_seconds)));
  auto watcher = co_await found.store->watch(ctx, std::move(request.selection), std::move(request.parameters));
  if (!watcher && watcher.error().reason != Reason::Expired) co_return Unexpected(std::move(watcher.error()));

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
  if (flushed) co_await send_events(exchange, ctx, **watcher, frames);
  co_return Unit{};
}

}  // namespace pintle::apiserver::endpoints

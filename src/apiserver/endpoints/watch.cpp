// WATCH: events from the cache, framed and sent as they come, until the client's or the server's time is up.
#include "apiserver/endpoints/request_limits.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/endpoints/watch_frames.h"
#include "rt/far_time.h"

namespace pintle::apiserver {

rt::Task<void> ResourceHandler::watch(Exchange& exchange, Found found) {
  auto form = object_form(exchange, found);
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  if (form->output.media == Media::Yaml) form->output.media = Media::Json;
  auto parameters = parse_list_parameters(exchange.query, true);
  if (!parameters) {
    co_await answer_failure(exchange, parameters.error());
    co_return;
  }
  auto selection = parse_selection(*found.resource, *found.version, *parameters, exchange.scope.ns);
  if (!selection) {
    co_await answer_failure(exchange, selection.error());
    co_return;
  }
  selection->name = exchange.info.name;

  int64_t seconds = parameters->timeout_seconds.value_or(0);
  if (seconds <= 0) {
    // A random end in [minimum, 2 × minimum): clients that came together do not come back together.
    const auto minimum = static_cast<uint64_t>(std::max(options_.min_request_timeout_seconds, 1));
    seconds = static_cast<int64_t>(minimum + runtime_.random().below(minimum));
  }
  const rt::Context ctx = exchange.ctx.with_timeout(rt::seconds_of(seconds));
  auto watcher = co_await found.store->watch(ctx, std::move(*selection), std::move(*parameters));
  if (!watcher && watcher.error().reason != Reason::Expired) {
    co_await answer_failure(exchange, watcher.error());
    co_return;
  }

  exchange.status = 200;
  add_common_headers(exchange, watch_content_type(form->output.media));
  auto started = co_await exchange.writer.start(200);
  if (!started) co_return;
  WatchFrames frames(*form);
  std::vector<Bytes> out;
  if (!watcher) {
    frames.append_failure(watcher.error(), out);
    (void)co_await exchange.writer.write(std::move(out));
    co_return;
  }
  auto flushed = co_await exchange.writer.flush();
  if (!flushed) co_return;
  co_await send_events(exchange, ctx, **watcher, frames);
}

rt::Task<void> ResourceHandler::send_events(Exchange& exchange, rt::Context ctx, storage::CacheWatcher& watcher, WatchFrames& frames) {
  while (true) {
    if (watcher.revision() > 0 && exchange.place != nullptr) exchange.place->release();  // its first state has been sent
    auto events = co_await watcher.next(ctx);
    std::vector<Bytes> out;
    if (!events) {
      if (events.error().reason == Reason::Expired) {
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

}  // namespace pintle::apiserver

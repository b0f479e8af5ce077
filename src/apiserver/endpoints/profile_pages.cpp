#include "apiserver/endpoints/profile_pages.h"

#include <functional>

#include "apiserver/exchange/responses.h"
#include "component/heap_profile.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr std::string_view pprof_prefix = "/debug/pprof/";

Result<std::string> heap_page(bool readable, int64_t unix_nanoseconds) {
  TRY_ASSIGN(const component::HeapProfile profile, component::take_heap_profile());
  return readable ? component::to_text(profile) : component::to_pprof(profile, unix_nanoseconds);
}

// `?debug=1`: to be read; else for `go tool pprof`.
rt::Task<void> serve_profile(rt::Runtime& runtime, exchange::Exchange& exchange) {
  if (exchange.info.path != std::string(pprof_prefix) + "heap") {
    co_await exchange::answer_text(exchange, 404, "404 page not found\n");
    co_return;
  }
  const std::string_view debug = exchange.query.get("debug");
  const bool readable = !debug.empty() && debug != "0";
  const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(runtime.clock().wall_now().time_since_epoch()).count();
  Result<std::string> page = std::string();
  std::function<void()> work = [&page, readable, now] { page = heap_page(readable, now); };
  co_await runtime.run_blocking(std::move(work));
  if (!page) {
    co_await exchange::answer_failure(exchange, page.error());
    co_return;
  }
  if (!readable) exchange.writer.headers().set("content-disposition", "attachment; filename=\"heap\"");
  const std::string_view type = readable ? "text/plain; charset=utf-8" : "application/octet-stream";
  co_await exchange::answer(exchange, 200, type, Bytes(std::move(*page)));
}

}  // namespace

void add_profile_pages(ApiHandler& handler, rt::Runtime& runtime) {
  handler.add_page(std::string(pprof_prefix), [&runtime](exchange::Exchange& exchange) { return serve_profile(runtime, exchange); });
}

}  // namespace pintle::apiserver::endpoints

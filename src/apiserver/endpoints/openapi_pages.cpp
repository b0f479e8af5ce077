#include "apiserver/endpoints/openapi_pages.h"

#include "apimachinery/openapi/documents.h"
#include "apiserver/exchange/responses.h"
#include "component/memory.h"

namespace pintle::apiserver::endpoints {

namespace {

namespace openapi = apimachinery::openapi;
using apimachinery::ServedSet;

// Clients ask for "...spec.v2@v1.0+protobuf", which is no well-formed media type; the answer names one that is.
constexpr std::string_view v2_proto_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view v3_prefix = "/openapi/v3/";

rt::Task<void> serve_v2(const ServedSet& served, exchange::Exchange& exchange) {
  const bool proto = exchange.request.headers.get("accept").find("proto-openapi.spec.v2") != std::string_view::npos;
  exchange.writer.headers().set("vary", "Accept");
  Bytes body(proto ? openapi::v2_proto(served.group_versions()) : openapi::v2_json(served.group_versions()));
  const std::string_view type = proto ? std::string_view(v2_proto_type) : std::string_view("application/json");
  co_await exchange::answer(exchange, 200, type, std::move(body));
  component::release_free_memory();  // two megabytes that are seldom asked for
}

rt::Task<void> serve_v3_index(const ServedSet& served, exchange::Exchange& exchange) {
  Bytes body(openapi::v3_index(openapi::v3_hashes(served.group_versions())));
  co_await exchange::answer(exchange, 200, "text/plain; charset=utf-8", std::move(body));
}

rt::Task<void> serve_v3(const ServedSet& served, exchange::Exchange& exchange) {
  const std::string_view name = std::string_view(exchange.info.path).substr(v3_prefix.size());
  auto document = openapi::v3_json(served.group_versions(), name);
  if (!document) {
    co_await exchange::answer_text(exchange, 404, "404 page not found\n");
    co_return;
  }
  if (!exchange.query.get("hash").empty()) exchange.writer.headers().set("cache-control", "public, immutable");
  co_await exchange::answer(exchange, 200, "application/json", Bytes(std::move(*document)));
  component::release_free_memory();
}

}  // namespace

void add_openapi_pages(ApiHandler& handler, const registry::InstalledRegistry& registry) {
  handler.add_page("/openapi/v2", [&registry](exchange::Exchange& exchange) { return serve_v2(registry.served_by_table(), exchange); });
  handler.add_page("/openapi/v3", [&registry](exchange::Exchange& exchange) { return serve_v3_index(registry.served_by_table(), exchange); });
  handler.add_page(std::string(v3_prefix), [&registry](exchange::Exchange& exchange) { return serve_v3(registry.served_by_table(), exchange); });
}

}  // namespace pintle::apiserver::endpoints

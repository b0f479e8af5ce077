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

std::string document_name(const published::FurtherVersion& version) { return "apis/" + version.group + "/" + version.version; }

rt::Task<void> serve_v3_index(const ServedSet& served, const published::FurtherServers& further, exchange::Exchange& exchange) {
  auto hashes = openapi::v3_hashes(served.group_versions());
  const auto listed = further.listed();
  for (const auto& [name, version] : listed->versions)
    if (!version->openapi_v3_hash.empty()) hashes.emplace_back(document_name(*version), version->openapi_v3_hash);
  Bytes body(openapi::v3_index(hashes));
  co_await exchange::answer(exchange, 200, "text/plain; charset=utf-8", std::move(body));
}

rt::Task<void> serve_v3(const ServedSet& served, const published::FurtherServers& further, exchange::Exchange& exchange) {
  const std::string_view name = std::string_view(exchange.info.path).substr(v3_prefix.size());
  const auto listed = further.listed();
  for (const auto& [of, version] : listed->versions) {
    if (version->openapi_v3_hash.empty() || name != document_name(*version)) continue;
    co_await version->serve_openapi_v3(exchange);
    co_return;
  }
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

void add_openapi_pages(ApiHandler& handler, const registry::InstalledRegistry& registry, const published::FurtherServers& further) {
  handler.add_page("/openapi/v2", [&registry](exchange::Exchange& exchange) { return serve_v2(registry.served_by_table(), exchange); });
  handler.add_page("/openapi/v3",
                   [&registry, &further](exchange::Exchange& exchange) { return serve_v3_index(registry.served_by_table(), further, exchange); });
  handler.add_page(std::string(v3_prefix),
                   [&registry, &further](exchange::Exchange& exchange) { return serve_v3(registry.served_by_table(), further, exchange); });
}

}  // namespace pintle::apiserver::endpoints

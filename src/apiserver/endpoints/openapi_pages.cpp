#include "apiserver/endpoints/openapi_pages.h"

#include <malloc.h>

#include "apimachinery/openapi/documents.h"
#include "apiserver/endpoints/responses.h"

namespace pintle::apiserver {

namespace {

namespace openapi = apimachinery::openapi;

constexpr std::string_view v2_proto_type = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view v3_prefix = "/openapi/v3/";

rt::Task<void> serve_v2(Exchange& exchange) {
  const bool proto = exchange.request.headers.get("accept").find("proto-openapi.spec.v2") != std::string_view::npos;
  exchange.writer.headers().set("vary", "Accept");
  Bytes body(proto ? openapi::v2_proto() : openapi::v2_json());
  co_await answer(exchange, 200, proto ? v2_proto_type : "application/json", std::move(body));
  malloc_trim(0);   // two megabytes that are seldom asked for
}

rt::Task<void> serve_v3_index(Exchange& exchange) {
  Bytes body(openapi::v3_index(openapi::v3_hashes()));
  co_await answer(exchange, 200, "text/plain; charset=utf-8", std::move(body));
}

rt::Task<void> serve_v3(Exchange& exchange) {
  const std::string_view name = std::string_view(exchange.info.path).substr(v3_prefix.size());
  auto document = openapi::v3_json(name);
  if (!document) {
    co_await answer_text(exchange, 404, "404 page not found\n");
    co_return;
  }
  if (!exchange.query.get("hash").empty()) exchange.writer.headers().set("cache-control", "public, immutable");
  co_await answer(exchange, 200, "application/json", Bytes(std::move(*document)));
  malloc_trim(0);
}

}  // namespace

void add_openapi_pages(ApiHandler& handler) {
  handler.add_page("/openapi/v2", serve_v2);
  handler.add_page("/openapi/v3", serve_v3_index);
  handler.add_page(std::string(v3_prefix), serve_v3);
}

}  // namespace pintle::apiserver

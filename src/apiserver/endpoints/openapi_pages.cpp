#include "apiserver/endpoints/openapi_pages.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "apiserver/exchange/responses.h"

namespace pintle::apiserver::endpoints {

namespace {

using apimachinery::openapi::Form;
using published::OpenApiDocuments;

constexpr std::string_view v3_prefix = "/openapi/v3/";
constexpr std::size_t accept_clauses_max = 64;  // further ones are not read

struct Offered {
  std::string_view subtype;
  Form form;
};
constexpr std::array<Offered, 3> v2_forms = {{{"json", Form::JsonV2},
                                              {"com.github.proto-openapi.spec.v2@v1.0+protobuf", Form::ProtoV2},
                                              {"com.github.proto-openapi.spec.v2.v1.0+protobuf", Form::ProtoV2}}};
constexpr std::array<Offered, 3> v3_forms = {{{"json", Form::JsonV3},
                                              {"com.github.proto-openapi.spec.v3@v1.0+protobuf", Form::ProtoV3},
                                              {"com.github.proto-openapi.spec.v3.v1.0+protobuf", Form::ProtoV3}}};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

struct Clause {
  std::string_view type, subtype;
  double quality = 1;
};

double quality_of(std::string_view parameters) {
  const auto at = parameters.find("q=");
  if (at == parameters.npos) return 1;
  double out = 0, unit = 1;
  bool fraction = false;
  for (const char c : parameters.substr(at + 2)) {
    if (c == '.' && !fraction) {
      fraction = true;
    } else if (c >= '0' && c <= '9') {
      out = fraction ? out + (c - '0') * (unit /= 10) : out * 10 + (c - '0');
    } else {
      break;
    }
  }
  return std::min(out, 1.0);
}

// The best of what is offered, as these documents have always been negotiated: media types with an @ are no well-formed ones. nullopt: none.
template <std::size_t n>
std::optional<Form> negotiate(std::string_view accept, const std::array<Offered, n>& offered) {
  if (trimmed(accept).empty()) return offered[0].form;
  std::vector<Clause> clauses;
  while (!accept.empty() && clauses.size() < accept_clauses_max) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    const std::string_view clause = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::size_t semicolon = std::min(clause.find(';'), clause.size());
    const std::string_view media = trimmed(clause.substr(0, semicolon));
    const std::size_t slash = media.find('/');
    if (slash == media.npos) continue;
    clauses.push_back({media.substr(0, slash), media.substr(slash + 1), quality_of(clause.substr(semicolon))});
  }
  std::ranges::stable_sort(clauses, std::greater(), &Clause::quality);
  for (const Clause& clause : clauses) {
    if (clause.quality == 0 || (clause.type != "application" && clause.type != "*")) continue;
    for (const Offered& one : offered)
      if (clause.subtype == one.subtype || clause.subtype == "*") return one.form;
  }
  return std::nullopt;
}

rt::Task<void> serve_v2(rt::Runtime& runtime, OpenApiDocuments& documents, exchange::Exchange& exchange) {
  exchange.writer.headers().set("vary", "Accept");
  const auto form = negotiate(exchange.request.headers.get("accept"), v2_forms);
  if (!form) {
    co_await exchange::answer_text(exchange, 406, "");
    co_return;
  }
  auto document = co_await documents.v2(exchange.ctx, *form, exchange.request.headers.get("if-none-match"));
  if (!document) {
    co_await exchange::answer_failure(exchange, document.error());
    co_return;
  }
  co_await published::send(runtime, exchange, std::move(*document));
}

rt::Task<void> serve_v3_index(rt::Runtime& runtime, OpenApiDocuments& documents, exchange::Exchange& exchange) {
  auto document = co_await documents.v3_index(exchange.ctx);
  if (!document) {
    co_await exchange::answer_failure(exchange, document.error());
    co_return;
  }
  co_await published::send(runtime, exchange, std::move(*document));
}

// What is found under its hash never changes.
void add_immutable_headers(rt::Runtime& runtime, exchange::Exchange& exchange) {
  exchange.writer.headers().set("cache-control", "public, immutable");
  const std::time_t in_a_year = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(runtime.clock().wall_now()) + std::chrono::hours(24 * 365));
  exchange.writer.headers().set("expires", fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(in_a_year)));
}

rt::Task<void> redirect(exchange::Exchange& exchange, std::string url) {
  exchange.writer.headers().set("location", std::move(url));
  co_await exchange::answer(exchange, 301, "text/html; charset=utf-8", Bytes());
}

rt::Task<void> serve_v3(rt::Runtime& runtime, OpenApiDocuments& documents, exchange::Exchange& exchange) {
  const std::string name = exchange.info.path.substr(v3_prefix.size());
  const auto form = negotiate(exchange.request.headers.get("accept"), v3_forms);
  auto found = co_await documents.v3(exchange.ctx, name, form, exchange.request.headers.get("if-none-match"));
  if (!found) {
    co_await exchange::answer_failure(exchange, found.error());
    co_return;
  }
  if (!*found) {
    co_await exchange::answer_text(exchange, 404, "404 page not found\n");
    co_return;
  }
  OpenApiDocuments::V3& document = **found;
  if (document.further) {
    co_await document.further->serve_openapi_v3(exchange);
    co_return;
  }
  exchange.writer.headers().set("vary", "Accept");
  if (!form) {
    co_await exchange::answer_text(exchange, 406, "");
    co_return;
  }
  if (const std::string_view hash = exchange.query.get("hash"); !hash.empty()) {
    if (hash != document.hash) {
      co_await redirect(exchange, exchange.info.path + "?hash=" + document.hash);
      co_return;
    }
    add_immutable_headers(runtime, exchange);
  }
  co_await published::send(runtime, exchange, std::move(document.document));
}

}  // namespace

void add_openapi_pages(ApiHandler& handler, rt::Runtime& runtime, OpenApiDocuments& documents) {
  handler.add_page("/openapi/v2", [&](exchange::Exchange& exchange) { return serve_v2(runtime, documents, exchange); });
  handler.add_page("/openapi/v3", [&](exchange::Exchange& exchange) { return serve_v3_index(runtime, documents, exchange); });
  handler.add_page(std::string(v3_prefix), [&](exchange::Exchange& exchange) { return serve_v3(runtime, documents, exchange); });
}

}  // namespace pintle::apiserver::endpoints

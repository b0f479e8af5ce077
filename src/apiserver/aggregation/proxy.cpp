// A request on its way to an aggregated server, in its user's name.
#include <fmt/format.h>

#include "apiserver/aggregation/aggregator.h"
#include "apiserver/aggregation/front_proxy_headers.h"
#include "apiserver/connect/target.h"
#include "apiserver/exchange/responses.h"
#include "component/log.h"
#include "net/forward.h"
#include "net/url.h"

namespace pintle::apiserver::aggregation {

namespace {

constexpr std::string_view unavailable = "service unavailable\n";
// Of a request for what a version serves: clients ask every server for that, one after the other.
constexpr rt::Duration discovery_request_timeout = std::chrono::seconds(5);

// "/apis/<group>/<version>", whatever slashes are around it.
bool is_discovery(const RequestInfo& info) {
  if (info.is_resource) return false;
  std::string_view path = info.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::ranges::count(path, '/') == 3;
}

// The parameters as this server has read them.
std::string url_of(const std::string& origin, const std::string& path, const std::string& raw_query) {
  std::string query = net::format_query(net::parse_query(raw_query));
  for (auto at = query.find("%20"); at != query.npos; at = query.find("%20", at)) query.replace(at, 3, "+");  // as Go writes it
  return origin + escape_path(path) + (query.empty() ? "" : "?" + query);
}

Result<net::Headers> headers_for(const exchange::Exchange& exchange, const std::string& origin, const std::string& path, bool upgrade) {
  net::Headers headers = net::forwarded_headers(exchange.request, upgrade);
  TRY(set_user(headers, exchange.scope.user));
  if (const std::string_view id = exchange.writer.headers().get("audit-id"); !id.empty()) headers.set("Audit-Id", std::string(id));
  if (!upgrade) {
    headers.set("X-Forwarded-Uri", escape_path(path));
    headers.set("X-Forwarded-Host", origin.substr(origin.find("//") + 2));
    headers.set("X-Forwarded-Proto", "https");
  }
  return headers;
}

// What this server says in its answers by itself, the other server does not say in its name.
void drop_own(net::Headers& theirs, const net::Headers& ours) {
  for (const auto& [name, value] : ours.items()) theirs.remove(name);
}

std::string host_of(const net::Request& request) { return request.host.empty() ? std::string(request.headers.get("host")) : request.host; }

// An upgrade has --request-timeout to be answered; what comes of it lasts.
class Handshake {
 public:
  Handshake(const rt::Context& ctx, rt::Duration timeout) : all(ctx.child()), limit_(timeout.count() > 0 ? all.with_timeout(timeout) : all.child()) {
    end_ = limit_.on_done([all = all, answered = answered_] {
      if (!*answered) all.cancel();
    });
  }
  void answered() { *answered_ = true; }
  const rt::Context all;

 private:
  const rt::Context limit_;
  std::shared_ptr<std::atomic<bool>> answered_ = std::make_shared<std::atomic<bool>>(false);
  rt::CancelRegistration end_;
};

}  // namespace

rt::Task<void> Aggregator::serve(exchange::Exchange& exchange, RemotePtr remote, std::function<void()> on_upgrade) {
  std::string path = exchange.info.path;
  return forward(exchange, std::move(remote), std::move(path), std::move(on_upgrade));
}

rt::Task<void> Aggregator::forward(exchange::Exchange& exchange, RemotePtr remote, std::string path, std::function<void()> on_upgrade) {
  if (!remote || !remote->available) {
    co_await exchange::answer_text(exchange, 503, std::string(unavailable));
    co_return;
  }
  const auto transport = backends_.transport(*remote);
  if (!transport) {
    co_await exchange::answer_text(exchange, 500, transport.error().message + "\n");
    co_return;
  }
  const auto origin = backends_.origin(*remote);
  if (!origin) {
    component::log::error("An aggregated server cannot be found", origin.error(), {{"name", remote->name}});
    co_await exchange::answer_text(exchange, 503, std::string(unavailable));
    co_return;
  }
  net::Request& request = exchange.request;
  const bool upgrade = net::is_upgrade_request(request);
  auto headers = headers_for(exchange, *origin, path, upgrade);
  if (!headers) {
    co_await exchange::answer_text(exchange, 503, "error trying to reach service: " + headers.error().message + "\n");
    co_return;
  }
  net::ForwardOptions options;
  options.headers = std::move(*headers);
  options.own_headers = true;
  const bool rejects = deps_.options.aggregator_reject_forwarding_redirect;
  const auto look_at_answer = [&](net::Response& response) -> Result<Unit> {
    const std::string location(response.headers.get("location"));
    if (!upgrade && response.status >= 300 && response.status <= 399 && !location.empty()) {
      if (rejects) return Unexpected(Status{Reason::Unknown, 502, "the backend attempted to redirect this request, which is not permitted", {}});
      response.headers.set("Location", connect::rewrite_location(location, *origin, request.scheme, host_of(request), ""));
    }
    exchange.status = response.status;
    drop_own(response.headers, exchange.writer.headers());
    return Unit{};
  };
  // A document that is asked for by its hash may be kept, as the other server says.
  if (!upgrade && !path.starts_with("/openapi/")) exchange.writer.headers().set("cache-control", "no-cache, private");
  std::string url = url_of(*origin, path, request.query);
  Result<Unit> done = Unit{};
  if (upgrade) {
    Handshake handshake(exchange.ctx, deps_.options.request_timeout);
    options.on_answer = [&](net::Response& response) -> Result<Unit> {
      TRY(look_at_answer(response));
      handshake.answered();
      if (response.status == 101 && on_upgrade) on_upgrade();
      return Unit{};
    };
    net::ForwardingTransport& to = **transport;
    done = co_await net::forward_upgrade(handshake.all, request, exchange.writer, to, std::move(url), std::move(options));
  } else {
    options.on_answer = look_at_answer;
    const rt::Context ctx = is_discovery(exchange.info) ? exchange.ctx.with_timeout(discovery_request_timeout) : exchange.ctx;
    net::ForwardingTransport& to = **transport;
    done = co_await net::forward_request(ctx, request, exchange.writer, to, std::move(url), std::move(options));
  }
  if (done || exchange.writer.started()) co_return;
  if (exchange.ctx.done()) {
    co_await exchange::answer_failure(exchange, done.error());
  } else if (done.error().code == 502) {
    co_await exchange::answer(exchange, 502, "text/plain; charset=utf-8", Bytes::copy(done.error().message));
  } else {
    std::string why = upgrade ? "" : "error trying to reach service: ";
    why += done.error().message + "\n";
    co_await exchange::answer_text(exchange, 503, std::move(why));
  }
}

}  // namespace pintle::apiserver::aggregation

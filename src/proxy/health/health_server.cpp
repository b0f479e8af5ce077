#include "proxy/health/health_server.h"

namespace pintle::proxy::health {

rt::Task<void> HealthHandler::serve(rt::Context, net::Request& request, net::ResponseWriter& writer) {
  const bool with_node = request.path == "/healthz";
  if (!with_node && request.path != "/livez") {
    (void)co_await net::respond(writer, 404, "text/plain; charset=utf-8", Bytes::literal("404 page not found\n"));
    co_return;
  }
  const rt::WallTime now = clock_.wall_now();
  const int status = health_.healthy(now) && (!with_node || health_.node_eligible()) ? 200 : 503;
  (with_node ? metrics_.healthz : metrics_.livez).with({std::to_string(status)}).add();
  writer.headers().set("x-content-type-options", "nosniff");
  (void)co_await net::respond(writer, status, "application/json", Bytes(health_.page(now, with_node)));
}

rt::Task<void> MetricsHandler::serve(rt::Context, net::Request& request, net::ResponseWriter& writer) {
  std::string body;
  int status = 200;
  if (request.path == "/metrics") {
    body = registry_.write();
    component::metrics::write_process_metrics(body);
  } else if (request.path == "/proxyMode") {
    body = "nftables";
  } else if (request.path == "/healthz" || request.path == "/livez") {
    body = "ok";
  } else {
    status = 404;
    body = "404 page not found\n";
  }
  (void)co_await net::respond(writer, status, "text/plain; version=0.0.4; charset=utf-8", Bytes(std::move(body)));
}

}  // namespace pintle::proxy::health

#include "apiserver/endpoints/api_handler.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/authorization/impersonation.h"
#include "apiserver/connect/connector.h"
#include "apiserver/endpoints/version.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/fairness/debug_pages.h"
#include "apiserver/types/errors.h"
#include "base/check.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "component/flags.h"
#include "component/log.h"
#include "net/forward.h"
#include "rt/combine.h"
#include "rt/held.h"
#include "rt/uid.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr std::string_view not_found_text = "404 page not found\n";
constexpr std::string_view audit_header = "audit-id";

// As upstream's metrics name it.
std::string metric_verb(const exchange::Exchange& exchange) {
  const RequestInfo& info = exchange.info;
  if (!info.is_resource) return exchange.request.method;
  if (connect::Connector::handles(info.group, info.resource, info.subresource)) return "CONNECT";
  if (info.verb == "create") return "POST";
  if (info.verb == "update") return "PUT";
  if (info.verb == "patch" && exchange.request.headers.get("content-type").starts_with("application/apply-patch")) return "APPLY";
  std::string out = info.verb;
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

// The context's timer fires on the executor of the request; a peer that goes away needs nothing.
rt::CancelRegistration end_with_time(const rt::Context& ctx, exchange::BoundedWriter& writer) {
  return ctx.on_done([&ctx, &writer, executor = &rt::Executor::current()] {
    if (rt::Executor::current_or_null() == executor && ctx.status().reason == Reason::Timeout) writer.end_time();
  });
}

std::shared_ptr<fairness::Fairness> make_fairness(const ApiHandlerDeps& deps, component::metrics::Registry& metrics) {
  const int seats = deps.options.max_requests_inflight + deps.options.max_mutating_requests_inflight;
  if (!deps.options.priority_and_fairness || seats <= 0) return nullptr;
  const fairness::FairnessDeps needed{deps.runtime, deps.registry.reader(), metrics, seats};
  return fairness::Fairness::make(needed);
}

// What each resource's cache holds, by what it is.
void write_cache_metrics(registry::InstalledRegistry& registry, std::string& out) {
  constexpr std::string_view name = "pintle_cache_bytes";
  component::metrics::write_head(out, name, "Memory of the watch caches: present objects, the window of history, remembered encodings.", "gauge");
  const std::string_view labels[] = {"group", "resource", "holds"};
  for (const auto& resource : registry.resources()) {
    const auto store = registry.find(resource->name());
    if (store == nullptr) continue;
    const storage::CacheUse use = store->cache().use();
    for (const auto& [holds, bytes] : {std::pair{"objects", use.objects}, std::pair{"history", use.history}, std::pair{"encodings", use.encodings}}) {
      const std::string values[] = {resource->name().group, resource->name().resource, holds};
      component::metrics::write_sample(out, name, labels, values, static_cast<double>(bytes));
    }
  }
}

// What the request asks for by `timeout=`, within the server's own; 0: none.
Result<rt::Duration> request_timeout(const Query& query, rt::Duration most) {
  const std::string_view text = query.get("timeout");
  if (text.empty()) return most;
  const auto wanted = component::parse_go_duration(text);
  if (!wanted) return bad_request(fmt::format("invalid timeout specified in the request URL - time: invalid duration {}", codec::go_quote(text)));
  return wanted->count() > 0 && (most.count() == 0 || *wanted < most) ? *wanted : most;
}

}  // namespace

ApiHandler::ApiHandler(ApiHandlerDeps deps)
    : deps_(deps),
      request_metrics_(metrics_),
      fairness_(make_fairness(deps, metrics_)),
      limits_(deps.registry, deps.options, deps.runtime.clock(), fairness_.get(), request_metrics_),
      resources_({deps.runtime, deps.registry, deps.options, deps.connector, deps.authorizer}),
      discovery_(deps.runtime, deps.registry, deps.further, deps.server_address) {
  metrics_.add_callback([this](std::string& out) {
    component::metrics::write_process_metrics(out);
    if (fairness_) {
      fairness_->write_metrics(out);
      limits_.write_metrics(out);
    }
    component::metrics::write_head(out, "apiserver_resource_objects", "Objects stored, by resource.", "gauge");
    const std::string_view labels[] = {"group", "resource"};
    for (const auto& resource : deps_.registry.resources()) {
      const auto store = deps_.registry.find(resource->name());
      if (store == nullptr) continue;
      const std::string values[] = {resource->name().group, resource->name().resource};
      component::metrics::write_sample(out, "apiserver_resource_objects", labels, values, static_cast<double>(store->cache().count("")));
    }
    write_cache_metrics(deps_.registry, out);
  });
}

rt::Task<void> ApiHandler::serve(rt::Context ctx, net::Request& request, net::ResponseWriter& raw) {
  // The first of the locals goes last: nothing of the handler is touched after it.
  struct Counted {
    std::shared_ptr<InFlight> all;
    explicit Counted(std::shared_ptr<InFlight> all_requests) : all(std::move(all_requests)) { ++all->count; }
    ~Counted() {
      if (--all->count == 0) all->idle.set();
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
  };
  const Counted counted(in_flight_);
  rt::note_work(request.method, request.path);
  exchange::BoundedWriter writer(raw, deps_.runtime);
  const rt::TimePoint began = deps_.runtime.clock().now();
  exchange::Exchange exchange{ctx, request, writer, {}, Query::parse(request.query), {}, 0, 0};
  const std::string_view given = request.headers.get(audit_header);
  writer.headers().set(std::string(audit_header), given.empty() ? rt::new_uid(deps_.runtime.random()) : std::string(given));
  RequestScope& scope = exchange.scope;
  scope.ctx = ctx;
  scope.now = deps_.runtime.clock().wall_now();
  scope.registry = &deps_.registry;
  scope.runtime = &deps_.runtime;
  scope.options = &deps_.options;
  scope.escalation = deps_.escalation;

  auto info = parse_request_info(request.method, request.path, exchange.query);
  if (!info) {
    co_await exchange::answer_failure(exchange, info.error());
    co_return;
  }
  exchange.info = std::move(*info);
  const bool long_running = ResourceHandler::long_running(exchange.info);
  const aggregation::RemotePtr remote = deps_.aggregator != nullptr ? deps_.aggregator->find(exchange.info.path) : nullptr;
  // What another server makes of an upgrade may last, whatever its path is called.
  const bool lasts = long_running || (remote != nullptr && net::is_upgrade_request(request));
  rt::CancelRegistration registration;
  const auto timeout = request_timeout(exchange.query, deps_.options.request_timeout);
  if (!lasts && !timeout) {
    co_await exchange::answer_failure(exchange, timeout.error());
    co_return;
  }
  if (!lasts && timeout->count() > 0) {
    exchange.ctx = ctx.with_timeout(*timeout);
    scope.ctx = exchange.ctx;
    registration = end_with_time(exchange.ctx, writer);
  }
  if (lasts) {
    exchange.ctx = ctx.child();
    registration = long_running_.on_done([own = exchange.ctx] { own.cancel(); });
  }
  component::metrics::Gauge* lasting = long_running ? &request_metrics_.long_running(sample_of(exchange)) : nullptr;
  if (lasting != nullptr) lasting->add(1);
  co_await serve_exchange(exchange, writer, remote, long_running);
  if (lasting != nullptr) lasting->add(-1);
  record(exchange, began, long_running);
}

rt::Task<void> ApiHandler::serve_exchange(exchange::Exchange& exchange, exchange::BoundedWriter& writer, aggregation::RemotePtr remote,
                                          bool long_running) {
  auto user = co_await authenticate(exchange);
  if (!user) {
    co_await exchange::answer_failure(exchange, Reason::Unauthorized, "Unauthorized");
    co_return;
  }
  exchange.scope.user = std::move(*user);
  auto allowed = co_await authorize(exchange);
  if (!allowed) {
    exchange.writer.headers().set("x-content-type-options", "nosniff");
    co_await exchange::answer_failure(exchange, allowed.error());
    co_return;
  }
  if (remote == nullptr && ResourceHandler::takes_body(exchange)) {
    auto received = co_await exchange::receive_body(exchange, bodies_);
    if (!received) {
      co_await exchange::answer_failure(exchange, received.error());
      co_return;
    }
  }
  Place place;
  auto entered = co_await limits_.enter(exchange, place, long_running);
  if (!entered) {
    co_await exchange::answer_failure(exchange, entered.error());
    request_metrics_.terminated(sample_of(exchange));
    co_return;
  }
  exchange.place = &place;
  const rt::Endpoint* peer = exchange.request.in_process_user.empty() ? &exchange.request.remote : nullptr;
  writer.watch_stalls(stalled_, exchange.scope.user.name, peer, [&place] { place.release(); });
  if (remote != nullptr) {
    CHECK(exchange.authorized && exchange.info.path.starts_with(remote->root()), "the path passed on is the one that was authorized");
    if (exchange.info.verb == "watch") place.release();  // how long its first events take is the other server's affair
    std::function<void()> on_upgrade = [&place] { place.release(); };
    co_await deps_.aggregator->serve(exchange, std::move(remote), std::move(on_upgrade));
    co_return;
  }
  if (!exchange.body || !resources_.takes_long(exchange)) {
    co_await route(exchange);
    co_return;
  }
  writer.hold();
  co_await rt::run_on(deps_.runtime.long_executor(), route(exchange));
  (void)co_await writer.send();  // a peer that is gone needs nothing
}

rt::Task<Result<UserInfo>> ApiHandler::authenticate(exchange::Exchange& exchange) {
  authentication::AuthenticationResponse who;
  UserInfo& user = who.user;
  if (!exchange.request.in_process_user.empty()) {
    user = authentication::in_process_user(exchange.request.in_process_user);
  } else if (deps_.authentication == nullptr) {
    user.name = "tester";
    user.groups = {std::string(group_masters), std::string(group_authenticated)};
  } else if (auto now = deps_.authentication->authenticate_now(exchange.request)) {
    CO_TRY_ASSIGN(who, std::move(*now));
  } else {
    CO_TRY_ASSIGN(who, co_await deps_.authentication->authenticate(exchange.ctx, exchange.request));
  }
  if (deps_.authentication != nullptr) deps_.authentication->drop_front_proxy_headers(exchange.request.headers);
  for (std::string& warning : who.warnings) exchange.scope.warnings.push_back(std::move(warning));
  co_return std::move(user);
}

rt::Task<Result<Unit>> ApiHandler::authorize(exchange::Exchange& exchange) {
  if (deps_.authorizer != nullptr && authorization::wants_impersonation(exchange.request.headers)) {
    CO_TRY_ASSIGN(exchange.scope.user,
                  co_await authorization::impersonate(exchange.ctx, *deps_.authorizer, exchange.request.headers, exchange.scope.user));
    authorization::drop_impersonation_headers(exchange.request.headers);
  }
  authorization::AuthorizationAttributes attributes = authorization::make_attributes(exchange.scope.user, exchange.info);
  if (deps_.authorizer != nullptr) {
    auto result = deps_.authorizer->authorize_now(attributes);
    if (!result) result = co_await deps_.authorizer->authorize(exchange.ctx, attributes);
    if (result->decision != authorization::Decision::Allow) co_return Unexpected(authorization::forbidden(attributes, result->reason));
  }
  exchange.authorized = std::move(attributes);
  co_return Unit{};
}

rt::Task<void> ApiHandler::route(exchange::Exchange& exchange) {
  rt::note_work(exchange.request.method, exchange.request.path);  // the step that serves it, wherever it runs
  const RequestInfo& info = exchange.info;
  if (!info.is_resource) {
    co_await serve_fixed(exchange, info.path);
    co_return;
  }
  const bool core = info.api_prefix == "api";
  const bool rooted = info.path.starts_with(core ? "/api/" : "/apis/");
  if (rooted && (core || (!info.group.empty() && deps_.registry.serves_version(info.group, info.version)))) {
    co_await resources_.serve(exchange);
  } else {
    co_await exchange::answer_text(exchange, 404, std::string(not_found_text));
  }
}

// `path` is what was authorized. Discovery and the version may be asked for with a slash at the end, as upstream has it.
rt::Task<void> ApiHandler::serve_fixed(exchange::Exchange& exchange, std::string path) {
  CHECK(exchange.authorized && exchange.authorized->path == path, "the path served is the one that was authorized");
  std::string bare = path;
  while (bare.size() > 1 && bare.back() == '/') bare.pop_back();
  if (discovery_.handles(bare) || bare == "/version") path = std::move(bare);
  if (discovery_.handles(path)) {
    co_await discovery_.serve(exchange, std::move(path));
  } else if (health_.handles(path)) {
    co_await health_.serve(exchange, std::move(path));
  } else if (path == "/version") {
    co_await exchange::answer(exchange, 200, "application/json", Bytes(version_document()));
  } else if (path == "/metrics") {
    co_await exchange::answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", Bytes(metrics_.write()));
  } else if (path.starts_with(fairness::debug_prefix)) {
    co_await serve_debug(exchange);
  } else if (path == "/" || path == "/index.html") {
    codec::Value::Array paths;
    for (std::string& known : all_paths()) paths.emplace_back(std::move(known));
    codec::Value index;
    index["paths"] = codec::Value(std::move(paths));
    co_await exchange::answer(exchange, 200, "application/json", Bytes(codec::to_pretty_json(index)));
  } else if (const Page* page = find_page(path)) {
    co_await (*page)(exchange);
  } else {
    co_await exchange::answer_text(exchange, 404, std::string(not_found_text));
  }
}

const ApiHandler::Page* ApiHandler::find_page(const std::string& path) const {
  if (const auto it = pages_.find(path); it != pages_.end()) return &it->second;
  for (std::string above = path; !above.empty(); above.pop_back()) {
    if (above.back() != '/') continue;
    if (const auto it = pages_.find(above); it != pages_.end()) return &it->second;
  }
  return nullptr;
}

std::vector<std::string> ApiHandler::all_paths() const {
  std::vector<std::string> paths{"/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez", "/readyz", "/metrics", "/version"};
  std::string_view last;
  const auto served = deps_.registry.served();
  for (const auto& version : served->group_versions()) {
    if (version.group.empty()) continue;
    if (version.group != last) paths.push_back("/apis/" + std::string(version.group));
    last = version.group;
    paths.push_back("/apis/" + std::string(version.group) + "/" + std::string(version.version));
  }
  for (const auto& [path, page] : pages_)
    if (path.back() != '/') paths.push_back(path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

void ApiHandler::start() {
  if (!fairness_) return;
  keeper_ = std::make_unique<fairness::Keeper>(*fairness_, deps_.registry);
  keeper_->start();
}

rt::Task<void> ApiHandler::close() {
  if (keeper_) co_await keeper_->close();
  end_long_running();
  const auto in_flight = in_flight_;
  const rt::Context limit = rt::Context::background().with_timeout(close_wait_max);
  while (true) {
    in_flight->idle.reset();
    if (in_flight->count == 0) co_return;
    const auto waited = co_await in_flight->idle.wait(limit);
    if (!waited) break;
  }
  component::log::warning("Requests go on while the server ends", {{"count", std::to_string(in_flight->count)}});
}

rt::Task<void> ApiHandler::serve_debug(exchange::Exchange& exchange) {
  const std::string page = exchange.info.path.substr(fairness::debug_prefix.size());
  const rt::Clock& clock = deps_.runtime.clock();
  std::string text;
  if (fairness_) text = fairness::debug_page(*fairness_, page, !exchange.query.get("includeRequestDetails").empty(), clock.wall_now(), clock.now());
  if (text.empty()) {
    co_await exchange::answer_text(exchange, 404, std::string(not_found_text));
  } else {
    co_await exchange::answer_text(exchange, 200, std::move(text));
  }
}

RequestMetrics::Sample ApiHandler::sample_of(const exchange::Exchange& exchange) const {
  const RequestInfo& info = exchange.info;
  RequestMetrics::Sample sample;
  sample.verb = metric_verb(exchange);
  if (info.is_resource && deps_.registry.find_served(info.group, info.version, info.resource).resource != nullptr) {
    sample.group = info.group;
    sample.version = info.version;
    sample.resource = info.resource;
    sample.subresource = info.subresource;
    sample.scope = !info.name.empty() ? "resource" : !info.ns.empty() ? "namespace" : "cluster";
  } else if (discovery_.handles(info.path) || health_.handles(info.path)) {
    sample.subresource = info.path;
  }
  sample.dry_run = exchange.scope.dry_run;
  sample.code = exchange.status;
  return sample;
}

void ApiHandler::record(const exchange::Exchange& exchange, rt::TimePoint began, bool long_running) {
  RequestMetrics::Sample sample = sample_of(exchange);
  sample.took = deps_.runtime.clock().now() - began;
  sample.answered_bytes = exchange.answered_bytes;
  sample.long_running = long_running;
  request_metrics_.record(sample);
  if (component::log::enabled(3))
    component::log::info(3, "HTTP", {{"verb", sample.verb}, {"URI", exchange.request.path}, {"resp", std::to_string(sample.code)}});
}

}  // namespace pintle::apiserver::endpoints

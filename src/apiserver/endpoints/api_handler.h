// ApiHandler: the way of a request: path → who asks → in whose name → may they → its body → a place among those being
// served → resource, discovery, health and the other fixed paths. What is refused is refused before its body is read, and
// nobody holds a place while a client takes its time to send. Runs on every executor; holds no state of a request.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "apiserver/aggregation/aggregator.h"
#include "apiserver/authentication/authentication.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/endpoints/discovery.h"
#include "apiserver/endpoints/health.h"
#include "apiserver/endpoints/request_limits.h"
#include "apiserver/endpoints/request_metrics.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/body.h"
#include "apiserver/exchange/bounded_writer.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/fairness/keeper.h"
#include "net/http.h"
#include "rt/sync.h"

namespace pintle::apiserver::endpoints {

struct ApiHandlerDeps {
  rt::Runtime& runtime;
  registry::InstalledRegistry& registry;
  const ApiServerOptions& options;
  authentication::Authentication* authentication = nullptr;  // nullptr (tests): everyone is a member of system:masters
  authorization::Authorizer* authorizer = nullptr;           // nullptr (tests): everything is allowed
  const authorization::rbac::EscalationCheck* escalation = nullptr;
  connect::Connector* connector = nullptr;             // nullptr (tests): nothing leads out of this server
  std::string server_address;                          // host:port that discovery tells
  const published::FurtherServers* further = nullptr;  // aggregated ones, of which discovery tells too
  aggregation::Aggregator* aggregator = nullptr;       // nullptr (tests): no server is behind this one
};

constexpr rt::Duration close_wait_max = std::chrono::seconds(5);

class ApiHandler : public net::Handler {
 public:
  explicit ApiHandler(ApiHandlerDeps deps);

  // A fixed path ("/openapi/v2"), or with a slash at its end everything below it. Before serving.
  using Page = std::function<rt::Task<void>(exchange::Exchange&)>;
  void add_page(std::string path, Page page) { pages_[std::move(path)] = std::move(page); }
  Health& health() { return health_; }
  component::metrics::Registry& metrics() { return metrics_; }

  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override;
  // Begins to keep the conditions of flow schemas.
  void start();
  // Before the handler is destroyed: ends what start() began and long-running requests, and waits for all requests, those within the
  // process too, which no connection's end waits for; at most close_wait_max.
  rt::Task<void> close();
  // Ends watches and other long-running requests, so that a shutdown need not wait for them. Later ones end at once.
  void end_long_running() { long_running_.cancel(); }

 private:
  // `remote`: the aggregated server that is to serve it; nullptr: this one.
  rt::Task<void> serve_exchange(exchange::Exchange& exchange, exchange::BoundedWriter& writer, aggregation::RemotePtr remote, bool long_running);
  rt::Task<Result<UserInfo>> authenticate(exchange::Exchange& exchange);
  rt::Task<Result<Unit>> authorize(exchange::Exchange& exchange);
  rt::Task<void> route(exchange::Exchange& exchange);
  rt::Task<void> serve_fixed(exchange::Exchange& exchange, std::string path);
  const Page* find_page(const std::string& path) const;
  std::vector<std::string> all_paths() const;
  rt::Task<void> serve_debug(exchange::Exchange& exchange);
  RequestMetrics::Sample sample_of(const exchange::Exchange& exchange) const;
  void record(const exchange::Exchange& exchange, rt::TimePoint began, bool long_running);

  // Outlives the handler while requests end.
  struct InFlight {
    std::atomic<int> count = 0;
    rt::Event idle;
  };

  ApiHandlerDeps deps_;
  std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
  component::metrics::Registry metrics_;
  RequestMetrics request_metrics_;
  std::shared_ptr<fairness::Fairness> fairness_;  // nullptr: counters of requests in flight
  std::unique_ptr<fairness::Keeper> keeper_;
  RequestLimits limits_;
  ResourceHandler resources_;
  Discovery discovery_;
  Health health_;
  std::map<std::string, Page> pages_;
  rt::Context long_running_ = rt::Context::background().child();
  fairness::Budget bodies_{exchange::body_limits};
  fairness::Budget stalled_{exchange::stalled_answers};
};

}  // namespace pintle::apiserver::endpoints

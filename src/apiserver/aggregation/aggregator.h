// Aggregator: other API servers behind this one. Follows APIServices: sends requests for the group versions that they give to a service there,
// asks those servers whether they are available and what they serve, and keeps the APIServices of what this server serves itself. Also keeps the
// ConfigMap by which those servers know this one's clients and itself. Level-triggered; nothing runs while there is no aggregated server.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "apiserver/aggregation/availability.h"
#include "apiserver/aggregation/backends.h"
#include "apiserver/aggregation/local_services.h"
#include "apiserver/aggregation/remote_documents.h"
#include "apiserver/aggregation/routes.h"
#include "apiserver/bootstrap/cluster_trust.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/published/further.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/registry/name_loops.h"
#include "component/metrics.h"
#include "rt/sync.h"

namespace pintle::apiserver::aggregation {

constexpr std::size_t checks_at_once_max = 16;    // of servers' availability; others wait their turn
constexpr std::size_t documents_at_once_max = 2;  // of servers asked for what they serve
constexpr rt::Duration check_interval = std::chrono::seconds(30);
constexpr rt::Duration check_timeout = std::chrono::seconds(5);  // of one question
constexpr int check_attempts = 5;                                // of which one has to succeed

struct AggregatorDeps {
  rt::Runtime& runtime;
  registry::InstalledRegistry& registry;
  const ApiServerOptions& options;
  const callout::ServiceResolver& resolver;
  published::FurtherServers& further;
  // What is told in the ConfigMap; read again when it is looked at. Empty: none is kept.
  std::function<Result<bootstrap::ClusterTrust>()> trust;
  // Group and version of what this server serves until another one does.
  std::set<std::pair<std::string, std::string>> add_ons;
};

class Aggregator {
 public:
  // `registry` has started; all outlive this. Belongs to the executor that starts it, but for find() and serve().
  explicit Aggregator(AggregatorDeps deps);
  ~Aggregator();

  // Knows every route when it returns.
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();

  // Upstream's gauge aggregator_unavailable_apiservice, of all there are, and how often each has become unavailable.
  void write_metrics(std::string& out) const;
  // The server that a path (decoded) leads to; nullptr: this one.
  RemotePtr find(std::string_view path) const { return routes_.find(path); }
  // Passes the request on and answers, whatever happens. It has been authorized, and its path is the remote's. `on_upgrade` is called when the
  // connection has become one of another protocol, which lasts as long as both sides like.
  rt::Task<void> serve(exchange::Exchange& exchange, RemotePtr remote, std::function<void()> on_upgrade);

 private:
  // One aggregated server's group version, followed by a task of its own.
  struct Watched {
    Watched(RemotePtr of, Backends& backends, const rt::Context& parent) : remote(std::move(of)), documents(backends), ctx(parent.child()) {}
    RemotePtr remote;
    RemoteDocuments documents;
    rt::Context ctx;  // done when nobody asks for it any more
    rt::Event look;   // something changed
    rt::TimePoint documents_at{};
  };
  using WatchedPtr = std::shared_ptr<Watched>;
  // Shared with the listeners, which outlive this.
  struct Changes {
    registry::ChangedNames api_services, definitions;
    registry::ChangedNames trust;  // of the one ConfigMap
    ThreadMutex mutex;
    std::multimap<std::pair<std::string, std::string>, WatchedPtr, std::less<>> by_service GUARDED_BY(mutex);
    std::atomic<std::size_t> watched = 0;
  };

  void subscribe();
  rt::Task<Result<Unit>> remove_leftovers();
  rt::Task<void> look_at_all();
  rt::Task<Result<Unit>> look_at(const std::string& name);
  rt::Task<Result<Unit>> keep_local(const std::string& name, const api::apiregistration_v1::APIService* now);
  rt::Task<Result<Unit>> act(Action action, const std::string& name, const api::apiregistration_v1::APIService* now,
                             std::optional<api::apiregistration_v1::APIService> wanted);
  rt::Task<Result<Unit>> keep_trust();
  rt::Task<Result<Unit>> note_definition(std::string name);
  rt::Task<void> note_definitions();  // those that wait for it
  void watch(RemotePtr remote);
  void forget(const std::string& name);

  rt::Task<void> watch_over(WatchedPtr watched);
  rt::Task<Result<bool>> check(WatchedPtr watched);
  rt::Task<Result<Unit>> ask(rt::Context ctx, RemotePtr remote);
  rt::Task<void> refresh(WatchedPtr watched);
  rt::Task<Result<Unit>> write_condition(std::string name, std::string uid, Condition condition);
  void publish(Watched& watched);
  rt::Task<void> forward(exchange::Exchange& exchange, RemotePtr remote, std::string path, std::function<void()> on_upgrade);

  AggregatorDeps deps_;
  Backends backends_;
  Routes routes_;
  DefinedVersions defined_;
  std::map<std::string, WatchedPtr> watched_;
  component::metrics::Registry counted_;
  component::metrics::CounterVec became_unavailable_;
  rt::Channel<Unit> checks_{checks_at_once_max};
  rt::Channel<Unit> documents_{documents_at_once_max};
  std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::aggregation

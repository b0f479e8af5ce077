// MetricsServer: what metrics-server is to a cluster, in the API server itself: asks the kubelet of each ready node once a period what its
// containers use, as this server asks kubelets for logs, and serves metrics.k8s.io from that. Nothing runs while there is no node; while nobody
// asks for metrics, nodes are asked once in `idle_period`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/connect/kubelet_client.h"
#include "apiserver/metrics_server/plan.h"
#include "apiserver/metrics_server/readings.h"
#include "apiserver/registry/installed_registry.h"
#include "apiserver/registry/name_loops.h"
#include "component/metrics.h"
#include "rt/sync.h"

namespace pintle::apiserver::metrics_server {

constexpr std::size_t scrapes_at_once_max = 16;                        // other nodes wait their turn
constexpr rt::Duration scrape_timeout_max = std::chrono::seconds(10);  // of one answer, and nine tenths of a period
constexpr rt::Duration idle_period = std::chrono::minutes(1);
constexpr int stale_periods = 3;  // that a node is told of after it was last heard of

struct MetricsServerDeps {
  rt::Runtime& runtime;
  const ApiServerOptions& options;  // how kubelets are reached
  rt::Duration resolution;          // the period
};

class MetricsServer {
 public:
  // An error names the certificate file at fault.
  static Result<std::unique_ptr<MetricsServer>> make(MetricsServerDeps deps);
  explicit MetricsServer(MetricsServerDeps deps);

  // For the registry, before it starts.
  std::vector<registry::ResourceDefinition> resources() const;
  // `registry` has started, and outlives this. Belongs to the executor that starts it.
  void start(registry::InstalledRegistry& registry);
  rt::Task<void> stop();
  // metrics_server_kubelet_request_total, metrics_server_storage_points, and what they hold.
  void write_metrics(std::string& out) const;

 private:
  // Shared with listeners and requests, which may outlive this.
  struct Changes {
    registry::ChangedNames nodes, roles;
    rt::Event wake;
  };

  rt::Task<Result<Unit>> look_at_node(std::string name);
  rt::Task<Result<Unit>> keep_role(std::string name);
  rt::Task<void> run(rt::Context ctx);
  rt::Task<void> scrape(rt::Context ctx, Schedule::Turn turn);
  rt::Task<Result<KubeletPage>> ask(rt::Context ctx, std::string url);
  rt::Duration period() const;

  MetricsServerDeps deps_;
  registry::InstalledRegistry* registry_ = nullptr;
  std::unique_ptr<connect::KubeletClient> kubelets_;
  std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();
  std::shared_ptr<Readings> readings_;
  Schedule schedule_;
  std::size_t running_ = 0;
  bool asked_lately_ = false;
  component::metrics::Registry counted_;
  component::metrics::CounterVec requests_;
  registry::NameLoops loops_;
};

}  // namespace pintle::apiserver::metrics_server

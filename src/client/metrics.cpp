#include "client/metrics.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "rt/seconds.h"

namespace pintle::client {

namespace metrics = component::metrics;

namespace {

// client-go's own bounds, in seconds.
constexpr double request_bounds[] = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
constexpr double queue_bounds[] = {1e-08, 1e-07, 1e-06, 1e-05, 1e-04, 1e-03, 0.01, 0.1, 1, 10};

}  // namespace

ClientMetrics::ClientMetrics(rt::Runtime& runtime, metrics::Registry& registry)
    : clock_(runtime.clock()),
      requests_(registry, {"rest_client_requests_total", "Requests to the API server, by status code, method and host.", {"code", "host", "method"}}),
      request_duration_(registry, {"rest_client_request_duration_seconds", "Time until the answer began.", {"host", "verb"}}, request_bounds),
      rate_limiter_duration_(registry, {"rest_client_rate_limiter_duration_seconds", "Time that requests waited for their turn.", {"host", "verb"}},
                             request_bounds),
      depth_(registry, {"workqueue_depth", "Keys that wait.", {"name"}}),
      adds_(registry, {"workqueue_adds_total", "Keys that were added.", {"name"}}),
      retries_(registry, {"workqueue_retries_total", "Keys that came again after a failure.", {"name"}}),
      queue_duration_(registry, {"workqueue_queue_duration_seconds", "Time that a key waits before it is worked on.", {"name"}}, queue_bounds),
      work_duration_(registry, {"workqueue_work_duration_seconds", "Time that work on a key takes.", {"name"}}, queue_bounds),
      leader_(registry, {"leader_election_master_status", "1 where this process leads, 0 where it waits to.", {"name"}}) {
  registry.add_callback([this](std::string& out) { write_unfinished(out); });
}

QueueMetrics& ClientMetrics::queue(const std::string& name) {
  ThreadLock lock(mutex_);
  auto& slot = queues_[name];
  if (!slot) {
    slot.reset(
        new QueueMetrics{depth_.with({name}), adds_.with({name}), retries_.with({name}), queue_duration_.with({name}), work_duration_.with({name})});
  }
  return *slot;
}

void ClientMetrics::request(const std::string& method, const std::string& host, int status, rt::Duration took) {
  requests_.with({status == 0 ? "<error>" : std::to_string(status), host, method}).add();
  request_duration_.with({host, method}).observe(rt::seconds(took));
}

void ClientMetrics::waited_for_rate(const std::string& method, const std::string& host, rt::Duration waited) {
  rate_limiter_duration_.with({host, method}).observe(rt::seconds(waited));
}

void ClientMetrics::leads(const std::string& lease, bool yes) { leader_.with({lease}).set(yes ? 1 : 0); }

void ClientMetrics::write_unfinished(std::string& out) const {
  const double now = rt::seconds(clock_.now().time_since_epoch());
  constexpr std::string_view labels[] = {"name"};
  std::vector<std::pair<std::string, const QueueMetrics*>> queues;
  {
    ThreadLock lock(mutex_);
    for (const auto& [name, queue] : queues_) queues.emplace_back(name, queue.get());
  }
  if (queues.empty()) return;
  const auto write = [&](std::string_view family, std::string_view help, const auto& value) {
    metrics::write_head(out, family, help, "gauge");
    for (const auto& [name, queue] : queues) metrics::write_sample(out, family, labels, std::span(&name, 1), value(*queue));
  };
  write("workqueue_unfinished_work_seconds", "How long the keys that are in work have been, all together.", [now](const QueueMetrics& queue) {
    const int working = queue.working;
    return working == 0 ? 0.0 : std::max(0.0, working * now - queue.started_sum);
  });
  write("workqueue_longest_running_processor_seconds", "How long the key that is longest in work has been.",
        [now](const QueueMetrics& queue) { return queue.working == 0 ? 0.0 : std::max(0.0, now - queue.started_first); });
}

}  // namespace pintle::client

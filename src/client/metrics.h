// ClientMetrics: what a process tells of its requests, work queues and leases, by client-go's names (rest_client_*, workqueue_*,
// leader_election_*), as dashboards and alerts ask for them. One for each registry; it outlives what counts with it. Thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "component/metrics.h"
#include "rt/clock.h"
#include "rt/runtime.h"

namespace pintle::client {

// The series of one queue. Durations are in seconds.
struct QueueMetrics {
  component::metrics::Gauge& depth;
  component::metrics::Counter& adds;
  component::metrics::Counter& retries;
  component::metrics::Histogram& queue_duration;
  component::metrics::Histogram& work_duration;
  // Of the keys in work, since the clock's beginning: how many, the sum of their starts, the earliest.
  std::atomic<int> working = 0;
  std::atomic<double> started_sum = 0;
  std::atomic<double> started_first = 0;
};

class ClientMetrics {
 public:
  ClientMetrics(rt::Runtime& runtime, component::metrics::Registry& registry);
  ClientMetrics(const ClientMetrics&) = delete;
  ClientMetrics& operator=(const ClientMetrics&) = delete;

  // Two queues of one name (a controller that is made anew) share one.
  QueueMetrics& queue(const std::string& name);
  // An answer of `host`; status 0: none came.
  void request(const std::string& method, const std::string& host, int status, rt::Duration took);
  void waited_for_rate(const std::string& method, const std::string& host, rt::Duration waited);
  // Whether this process leads by the lease of that name.
  void leads(const std::string& lease, bool yes);

 private:
  void write_unfinished(std::string& out) const;

  rt::Clock& clock_;
  component::metrics::CounterVec requests_;
  component::metrics::HistogramVec request_duration_;
  component::metrics::HistogramVec rate_limiter_duration_;
  component::metrics::GaugeVec depth_;
  component::metrics::CounterVec adds_;
  component::metrics::CounterVec retries_;
  component::metrics::HistogramVec queue_duration_;
  component::metrics::HistogramVec work_duration_;
  component::metrics::GaugeVec leader_;
  mutable ThreadMutex mutex_;
  std::map<std::string, std::unique_ptr<QueueMetrics>> queues_ GUARDED_BY(mutex_);
};

}  // namespace pintle::client

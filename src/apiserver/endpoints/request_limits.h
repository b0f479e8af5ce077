// RequestLimits: how many requests are served at once: by priority and fairness, or without it
// (--enable-priority-and-fairness=false) by two counters of requests in flight. A Place is what one request holds of that
// while it is served: until it is answered, its watch has sent its first state, or its peer has stopped to read.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>

#include "apiserver/endpoints/request_metrics.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/fairness/fairness.h"
#include "apiserver/registry/installed_registry.h"
#include "base/mutex.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver::endpoints {

// How large the objects of each resource are on average, followed through the watch caches.
class StoredBytes {
 public:
  explicit StoredBytes(registry::InstalledRegistry& registry);
  int64_t average(registry::ResourceStore& store) const;

 private:
  std::unordered_map<const registry::ResourceStore*, std::shared_ptr<std::atomic<int64_t>>> bytes_;
};

// How many requests read and write, being served and waiting, by time.
class ReadWriteRatios {
 public:
  ReadWriteRatios(const ApiServerOptions& options, rt::Clock& clock);
  void note(bool reading, bool waiting, int delta);
  void write(std::string& out);

 private:
  struct Kind {
    int now = 0;
    fairness::TimingRatio ratio;
  };
  rt::Clock& clock_;
  ThreadMutex mutex_;
  std::array<Kind, 4> kinds_ GUARDED_BY(mutex_);  // executing and waiting writes, executing and waiting reads
};

// Lives in the request's frame; not moved.
class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { release(); }
  // Idempotent.
  void release();

 private:
  friend class RequestLimits;
  fairness::Seat seat_;
  fairness::WatchCounts::Registration watch_;
  std::atomic<int>* counter_ = nullptr;
  component::metrics::Gauge* gauge_ = nullptr;
  ReadWriteRatios* ratios_ = nullptr;
  bool reading_ = false;
};

class RequestLimits {
 public:
  // `fairness` nullptr: the counters.
  RequestLimits(registry::InstalledRegistry& registry, const ApiServerOptions& options, rt::Clock& clock, fairness::Fairness* fairness,
                RequestMetrics& metrics);

  void write_metrics(std::string& out) { ratios_.write(out); }
  // Waits for its turn. TooManyRequests if there is none. Requests that last (watches aside) need no place.
  rt::Task<Result<Unit>> enter(exchange::Exchange& exchange, Place& place, bool long_running);

 private:
  rt::Task<Result<Unit>> enter_level(exchange::Exchange& exchange, Place& place, bool watch);
  Result<Unit> enter_counter(exchange::Exchange& exchange, Place& place);
  fairness::Work estimate(const exchange::Exchange& exchange, const fairness::Classified& classified, bool watch) const;
  fairness::Work estimate_list(const exchange::Exchange& exchange, uint32_t level_max) const;

  registry::InstalledRegistry& registry_;
  const ApiServerOptions& options_;
  fairness::Fairness* fairness_;
  StoredBytes stored_;
  ReadWriteRatios ratios_;
  component::metrics::Gauge& reading_now_;
  component::metrics::Gauge& mutating_now_;
  component::metrics::Gauge& reading_waiting_;
  component::metrics::Gauge& mutating_waiting_;
  std::atomic<int> reading_ = 0;
  std::atomic<int> mutating_ = 0;
};

// Of requests waiting for their seats, by --request-timeout; none waits longer than this part of it.
constexpr int queue_wait_part = 4;
constexpr rt::Duration queue_wait_max = std::chrono::seconds(60);  // where --request-timeout sets no bound

}  // namespace pintle::apiserver::endpoints

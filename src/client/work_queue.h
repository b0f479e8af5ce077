// WorkQueue: keys to be worked on, each at most once in the queue and never by two workers at the same time: a key that is
// added while it is worked on comes again after done(). Delays, and per-key backoff for failures, as client-go's
// rate-limited queue. Belongs to one executor.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "rt/executor.h"
#include "rt/rate_limiter.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::client {

class ClientMetrics;
struct QueueMetrics;

struct WorkQueueOptions {
  rt::Duration backoff_initial = std::chrono::milliseconds(5);
  rt::Duration backoff_max = std::chrono::seconds(1000);
  QueueMetrics* metrics = nullptr;  // outlives the queue; nullptr: nothing is counted
};

class WorkQueue {
 public:
  explicit WorkQueue(rt::Runtime& runtime, WorkQueueOptions options = {});
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void add(std::string key);
  // Adds it after a time; an earlier time that is already planned stays.
  void add_after(std::string key, rt::Duration delay);
  // Adds it after its backoff: initial * 2^failures.
  void add_rate_limited(std::string key);
  // The key has worked: its backoff starts anew.
  void forget(std::string_view key);
  int failures(std::string_view key) const;

  // The next key; call done() when its work has ended. Gone after shut_down().
  rt::Task<Result<std::string>> get(rt::Context ctx);
  void done(std::string_view key);
  void shut_down();
  std::size_t size() const { return queue_.size(); }
  // Nothing queued, in work or (within `horizon`) planned: for tests.
  bool idle() const;

 private:
  struct Planned;
  void arm();
  void push(std::string key);
  void tell_working();
  rt::Runtime& runtime_;
  const WorkQueueOptions options_;
  std::deque<std::string> queue_;
  std::unordered_map<std::string, rt::TimePoint> dirty_;       // since when it waits
  std::unordered_map<std::string, rt::TimePoint> processing_;  // since when it is in work
  std::unordered_map<std::string, int> failures_;
  std::unordered_map<std::string, rt::TimePoint> planned_;
  std::multimap<rt::TimePoint, std::string> plan_;
  std::shared_ptr<Planned> timer_;
  rt::Event readable_;
  bool shut_down_ = false;
};

// What a loop is called and where it counts.
struct LoopSetup {
  rt::Runtime& runtime;
  std::string name;                  // of the controller: what the log says
  std::string queue = {};            // of its queue: what metrics say
  ClientMetrics* metrics = nullptr;  // nullptr: nothing is counted
};

// A control loop: `workers` tasks that take keys and call `sync`. A failed key comes again with backoff; the failure is
// logged at verbosity 2 (conflicts and cancellations at 4).
class ControlLoop {
 public:
  using Sync = std::function<rt::Task<Result<Unit>>(rt::Context, std::string key)>;
  ControlLoop(LoopSetup setup, Sync sync, WorkQueueOptions options = {});
  ControlLoop(rt::Runtime& runtime, std::string name, Sync sync, WorkQueueOptions options = {})
      : ControlLoop(LoopSetup{runtime, std::move(name)}, std::move(sync), options) {}
  WorkQueue& queue() { return queue_; }
  void start(std::size_t workers);
  rt::Task<void> stop();

 private:
  rt::Task<void> work(rt::Context ctx);
  const std::string name_;
  const Sync sync_;
  WorkQueue queue_;
  rt::TaskGroup tasks_;
};

}  // namespace pintle::client

// PriorityLevel: one level at work: its seats and queues under a lock of its own, which is held for moments only, what it
// is entitled to, and what the metrics show of it. Shared by the configuration and by every request that is at it.
#pragma once

#include <atomic>
#include <coroutine>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/flowcontrol_v1.h"
#include "apiserver/fairness/borrowing.h"
#include "apiserver/fairness/metrics.h"
#include "apiserver/fairness/queue_set.h"
#include "apiserver/fairness/timing_ratio.h"
#include "apiserver/types/request_info.h"
#include "base/mutex.h"
#include "rt/executor.h"
#include "rt/runtime.h"

namespace pintle::apiserver {
struct UserInfo;
}  // namespace pintle::apiserver

namespace pintle::apiserver::fairness {}  // namespace pintle::apiserver::fairness

namespace pintle::apiserver::fairness {

// What an object asks of its level.
struct LevelSpec {
  std::string name;
  std::string uid;
  int64_t shares = 0;
  int lendable_percent = 0;
  std::optional<int> borrowing_percent;
  QueueConfig queues;
};
// nullopt: an object that validation would not have let in; it is as if it were not there.
std::optional<LevelSpec> compile(const api::flowcontrol_v1::PriorityLevelConfiguration& object);

// A request at a level: the ticket, and who waits with it.
struct Guest : Ticket {
  FlowStats* stats = nullptr;
  const UserInfo* user = nullptr;  // while it waits, for the debug pages
  const RequestInfo* info = nullptr;
  std::string_view flow;
  std::coroutine_handle<> handle;  // set once the task sleeps
  rt::Executor* executor = nullptr;
};

class PriorityLevel : public std::enable_shared_from_this<PriorityLevel> {
 public:
  PriorityLevel(rt::Runtime& runtime, Metrics& metrics, std::string name, bool exempt);

  const std::string& name() const { return name_; }
  bool exempt() const { return exempt_; }

  QueueSet::Outcome start(Guest& guest);
  void finish(Guest& guest);
  // False: it has got its seats meanwhile.
  bool abandon(Guest& guest);
  // False, and nothing is noted, if the guest waits no longer; else it is woken by its executor.
  bool sleep(Guest& guest, std::coroutine_handle<> handle);

  void configure(const LevelSpec& spec, int nominal);
  LevelDemand end_period(int64_t periods);
  // The demand as it is, without ending the period.
  LevelDemand demand();
  void set_limit(int seats, double target);
  uint32_t seats_max() const { return seats_max_.load(std::memory_order_relaxed); }
  bool idle();
  void set_quiescing(bool quiescing) { quiescing_ = quiescing; }
  bool quiescing() const { return quiescing_; }
  int64_t shares() const { return spec_.shares; }
  const LevelSpec& spec() const { return spec_; }

  // The statistics of a flow schema here; who has a request here holds them.
  std::shared_ptr<FlowStats> flow(const std::string& schema);
  // Forgets schemas that are gone and have no requests here.
  void forget_flows(const std::vector<std::string>& kept);

  struct WaitingRequest {
    std::string schema, flow, user, verb, path, ns, name, group, version, resource, subresource;
    rt::TimePoint arrived{};
    Work work;
  };
  struct QueueDump {
    QueueSet::Queue queue;
    std::vector<WaitingRequest> requests;
  };
  struct Dump {
    int limit = 0, waiting = 0, waiting_seats = 0, executing = 0, executing_seats = 0;
    bool idle = true;
    double virtual_time = 0;
    std::vector<QueueDump> queues;
  };
  Dump dump();
  struct Figures {
    LevelShares shares;
    int limit = 0;
    double target = 0, smoothed = 0, virtual_time = 0, last_start = 0;
    std::pair<double, double> next_starts;
    Demand::Statistics seen;
    struct Flow {
      std::string schema;
      int executing, executing_seats, waiting, waiting_seats;
    };
    std::vector<Flow> flows;
  };
  Figures figures();
  struct Totals {
    uint64_t dispatched = 0, rejected = 0, timed_out = 0, cancelled = 0;
  };
  Totals totals();
  enum class Ratio : uint8_t { SeatsInUse, Demand, Executing, Waiting };
  void write_ratio(std::string& out, Ratio ratio, std::string_view name, std::span<const std::string_view> labels,
                   std::span<const std::string> values);

 private:
  // Under the lock: after every change. The guests that got their seats stay in `out` only if they sleep.
  void changed(rt::TimePoint now, Dispatched& out) REQUIRES(mutex_);
  static void wake(const Dispatched& out);
  void arm(rt::TimePoint when) REQUIRES(mutex_);
  void on_timer();

  rt::Runtime& runtime_;
  Metrics& metrics_;
  const std::string name_;
  const bool exempt_;
  LevelSpec spec_;          // of the configuration's lock
  bool quiescing_ = false;  // of the configuration's lock
  std::atomic<uint32_t> seats_max_ = 1;
  ThreadMutex mutex_;
  QueueSet set_ GUARDED_BY(mutex_);
  Demand demand_ GUARDED_BY(mutex_);
  LevelShares shares_ GUARDED_BY(mutex_);
  double target_ GUARDED_BY(mutex_) = 0;
  double smoothed_ GUARDED_BY(mutex_) = 0;
  Demand::Statistics seen_ GUARDED_BY(mutex_);
  TimingRatio seats_ratio_ GUARDED_BY(mutex_);
  TimingRatio demand_ratio_ GUARDED_BY(mutex_);
  TimingRatio executing_ratio_ GUARDED_BY(mutex_);
  TimingRatio waiting_ratio_ GUARDED_BY(mutex_);
  bool armed_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<FlowStats>> flows_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::fairness

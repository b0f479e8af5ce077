// SchedulingQueue: the pods that wait for a node.
//   active         ready: by the profile's order (priority, then age)
//   backoff        tried in vain, and an event has come since: for 1 s..10 s after the last try, or until active is empty
//   error backoff  the last tries failed with errors: for their full backoff
//   unschedulable  until an event that a plugin which rejected the pod cares about, or 5 minutes
//   gated          a PreEnqueue plugin holds it back
// and those that were popped and are in flight: what happens meanwhile is kept, so that a failed pod hears of it.
// Belongs to one executor. Wakes by one timer, at the next moment at which something moves; none while nothing waits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "component/metrics.h"
#include "rt/executor.h"
#include "rt/runtime.h"
#include "rt/sync.h"
#include "scheduler/framework/profile.h"
#include "scheduler/queue/nominator.h"

namespace pintle::scheduler::queue {

enum class Place : uint8_t { Active, Backoff, ErrorBackoff, Unschedulable, Gated, InFlight };
constexpr std::size_t place_count = 6;

struct QueuedPod;
struct AgeLess {
  bool operator()(const QueuedPod* a, const QueuedPod* b) const;
};
using ByAge = std::set<QueuedPod*, AgeLess>;
// Pods that wait because the same plugins rejected them, by their shape.
using ByShape = std::unordered_map<std::string, ByAge>;

struct QueuedPod {
  PodInfoPtr info;
  const Profile* profile = nullptr;
  rt::TimePoint queued_at{};  // since when it is in the queue, this time
  std::optional<rt::TimePoint> first_attempt_at;
  int attempts = 0;
  int unschedulable_count = 0;
  int consecutive_errors = 0;
  rt::TimePoint backoff_until{};
  // The queue's own.
  uint64_t unschedulable_plugins = 0;  // that rejected it last; none while it is in flight
  uint64_t pending_plugins = 0;
  uint64_t rejectors() const { return unschedulable_plugins | pending_plugins; }
  Place place = Place::Active;
  bool gone = false;              // in flight: it was removed, and must not be put back
  uint64_t sequence = 0;          // of arrival: settles ties
  uint64_t events_from = 0;       // in flight: the first event since it was popped; no_events: settled
  ByShape* companions = nullptr;  // unschedulable and gated: those that the same plugins reject
};

struct QueueOptions {
  rt::Duration backoff_initial = std::chrono::seconds(1);
  rt::Duration backoff_max = std::chrono::seconds(10);
  rt::Duration unschedulable_max = std::chrono::minutes(5);
  bool pop_from_backoff = true;
};
// Backoffs end at whole steps of this, so that pods of one step go by priority.
constexpr rt::Duration backoff_window = std::chrono::seconds(1);

class SchedulingQueue {
 public:
  using ProfileOf = std::function<const Profile*(const Pod&)>;
  SchedulingQueue(rt::Runtime& runtime, QueueOptions options, SchedulerMetrics& metrics, ProfileOf profile_of);
  ~SchedulingQueue();
  SchedulingQueue(const SchedulingQueue&) = delete;
  SchedulingQueue& operator=(const SchedulingQueue&) = delete;
  // Where pods are nominated to: they are asked about events of that node one by one. Outlives the queue.
  void set_nominator(const Nominator& nominator) { nominator_ = &nominator; }
  // The plugins' interests in events, of every profile. Before the first pod. `extenders`: some may reject its pods, and nobody knows what
  // would change their minds.
  void add_profile(const Profile& profile, bool extenders = false);

  void add(PodInfoPtr pod);
  void update(PodInfoPtr pod);
  // A pod in flight stays, marked as gone, until its cycle ends with done().
  void remove(const std::string& uid);
  // Something happened: moves the pods that a hint speaks for.
  void on_event(const EventInstance& event);
  // Puts these pods in the active queue, wherever they wait.
  void activate(const std::vector<std::string>& uids);

  // The next pod, now in flight; nullptr: none. A pod in flight ends by done() or requeue().
  QueuedPod* pop();
  // Waits until pop() has something.
  rt::Task<Result<Unit>> wait_ready(rt::Context ctx);
  void done(const std::string& uid);
  // Where the pod in flight goes is decided: of what happens from now on it hears nothing. Should it come back, it is tried again after its backoff.
  void settle(const std::string& uid);
  // Its turn has come only now: of what happens from here on it hears again.
  QueuedPod* resume(const std::string& uid);
  // The pod could not be placed: by `unschedulable`/`pending` plugins, or with an error (both 0). `info`: its newest state.
  void requeue(const std::string& uid, PodInfoPtr info, uint64_t unschedulable, uint64_t pending);

  const QueuedPod* find(const std::string& uid) const;
  std::size_t size(Place place) const { return sizes_[static_cast<std::size_t>(place)]; }

 private:
  struct ActiveLess {
    bool operator()(const QueuedPod* a, const QueuedPod* b) const;
  };
  struct BackoffLess {
    bool operator()(const QueuedPod* a, const QueuedPod* b) const;
  };
  enum class Strategy : uint8_t { Stay, AfterBackoff, Immediately };
  struct Interest {
    int plugin;
    EventInterest interest;
  };
  using Hints = std::vector<Interest>;
  struct Rejectors {
    const Profile* profile = nullptr;
    uint64_t unschedulable = 0;
    uint64_t pending = 0;
    auto operator<=>(const Rejectors&) const = default;
    uint64_t all() const { return unschedulable | pending; }
  };
  static Rejectors rejectors_of(const QueuedPod& pod) { return {pod.profile, pod.unschedulable_plugins, pod.pending_plugins}; }
  struct Timer;

  void take_out(QueuedPod& pod);
  void put(QueuedPod& pod, Place place, std::string_view event);
  bool gated(QueuedPod& pod);
  // Which plugins hold the pod back, for hints and for scheduler_unschedulable_pods.
  void set_rejectors(QueuedPod& pod, uint64_t unschedulable, uint64_t pending);
  void move_by(QueuedPod& pod, Strategy strategy, std::string_view event);
  Strategy strategy_for(const QueuedPod& pod, const EventInstance& event) const;
  // The plugins of a profile that care about such an event at all, and those that do not say the same of all pods of a shape.
  struct Care {
    uint64_t all = 0;
    uint64_t by_pod = 0;
  };
  Care interested(const Profile* profile, const ClusterEvent& event) const;
  rt::TimePoint backoff_end(QueuedPod& pod) const;
  bool backing_off(QueuedPod& pod) const;
  void expire();
  void arm();
  void forget_events(QueuedPod& pod);
  void trim_events();
  void count_incoming(std::string_view event, Place place);

  rt::Clock& clock_;
  const QueueOptions options_;
  SchedulerMetrics& metrics_;
  const ProfileOf profile_of_;
  std::map<const Profile*, Hints> hints_;
  std::unordered_map<std::string, std::unique_ptr<QueuedPod>> pods_;  // by uid
  std::set<QueuedPod*, ActiveLess> active_;
  std::set<QueuedPod*, BackoffLess> backoff_;
  std::set<QueuedPod*, BackoffLess> error_backoff_;
  ByAge unschedulable_;
  ByAge gated_;
  const Nominator* nominator_ = nullptr;
  std::map<Rejectors, ByShape> rejected_;  // unschedulable and gated
  std::size_t sizes_[place_count] = {};
  std::deque<EventInstance> events_;  // since the oldest pod in flight was popped
  uint64_t first_event_ = 0;          // number of events_.front()
  std::multiset<uint64_t> in_flight_from_;
  uint64_t next_sequence_ = 0;
  rt::Event ready_;
  std::shared_ptr<Timer> timer_;
  component::metrics::Gauge* pending_[place_count] = {};
  std::map<std::pair<std::string_view, Place>, component::metrics::Counter*> incoming_;
};

}  // namespace pintle::scheduler::queue

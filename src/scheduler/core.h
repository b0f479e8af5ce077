// Core: the scheduler at work, from the first list to the end of its term: follows the cluster (event_handlers.cpp), takes
// pod after pod through a scheduling cycle (core.cpp), and binds in tasks beside it (binding.cpp).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/informers.h"
#include "rt/sync.h"
#include "scheduler/algorithm/algorithm.h"
#include "scheduler/cache/cache.h"
#include "scheduler/devices/ledger.h"
#include "scheduler/extenders/extenders.h"
#include "scheduler/queue/nominator.h"
#include "scheduler/queue/scheduling_queue.h"
#include "scheduler/scheduler.h"

namespace pintle::scheduler {

constexpr std::size_t binding_cycles_max = 128;                     // that talk to the API server; then the next cycle waits
constexpr rt::Duration cycle_slice = std::chrono::milliseconds(1);  // of cycles before other tasks run

class Core {
 public:
  explicit Core(const SchedulerSetup& setup);
  ~Core();
  // Makes the profiles: BadRequest names what is wrong with the configuration.
  Result<Unit> prepare();
  // Until `ctx` is done.
  rt::Task<void> run(rt::Context ctx);
  bool running() const { return running_; }

 private:
  struct Member {  // a profile with what is its own
    std::unique_ptr<client::SeriesRecorder> events;
    std::unique_ptr<algorithm::FilterRunner> filters;
    std::unique_ptr<Profile> profile;
  };
  struct Binding {  // a pod on its way to a node
    PodInfoPtr pod;
    std::string node;
    CycleState state;
    const Member* member;
    rt::TimePoint start;
    rt::Context ctx;  // ends with the pod
    BindingPlace place;
    bool nominated = false;  // the API server was told of the node, though the pod's object here may not say so yet
  };
  struct Failure {
    bool rejected = false;  // Unschedulable, against SchedulerError
    std::string message;
    uint64_t unschedulable_plugins = 0;
    uint64_t pending_plugins = 0;
    std::optional<std::string> nominated_node;
    bool was_nominated = false;  // as Binding::nominated
  };
  // What a pod's status is to say of a failure.
  struct ConditionWrite {
    PodPtr pod;
    bool rejected = false;
    std::string message;
    std::optional<std::string> nominated_node;
    bool was_nominated = false;
  };
  // Of one pod, one at a time, and before its binding: on a slow server an older one would undo what a newer one says.
  struct ConditionWrites {
    std::optional<ConditionWrite> next;  // the newest of those that wait
    std::shared_ptr<rt::Event> written;  // all are
  };

  // event_handlers.cpp
  void follow_cluster();
  template <class T>
  void follow(EventResource resource, std::string_view added, std::string_view updated, std::string_view deleted);
  void on_pod_added(const PodPtr& pod);
  void on_pod_updated(const PodPtr& before, const PodPtr& after);
  void on_pod_deleted(const PodPtr& pod);
  void on_node_added(const NodePtr& node);
  void on_node_updated(const NodePtr& before, const NodePtr& after);
  void on_node_deleted(const NodePtr& node);
  // The pod gets another node than it was nominated to, or none: others may have that one.
  void tell_nomination(const PodPtr& pod, const std::string& nominated, const std::string& node);
  // A pod no longer takes room on `node`, of which `pod` itself may not know.
  void tell_gone(const PodPtr& pod, const std::string& node);
  void tell(EventResource resource, Actions actions, std::string_view label, std::shared_ptr<const void> before, std::shared_ptr<const void> after);
  // The pod as the API server has it now; nullptr: it has gone.
  PodPtr whole_pod(const PlacedPod& pod) const;

  // core.cpp
  const Member* member_of(const Pod& pod) const;
  rt::Task<void> schedule_all(rt::Context ctx);
  void schedule_one(queue::QueuedPod& queued);
  // False: the pod needs no cycle, and has left the queue.
  bool wants_node(const PodInfo& pod, const Member& member);
  void reserve_and_bind(queue::QueuedPod& queued, const Member& member, CycleState state, const NodeInfo& node, rt::TimePoint start);
  Failure failure_of(const algorithm::Placement& placement, const Member& member, CycleState& state, const PodInfo& pod);
  // What is said of a placement before any post filter; true: that is all of it.
  bool begin_failure(const algorithm::Placement& placement, const Member& member, Failure& out);
  // True: no further post filter is asked.
  static bool take_post_filter(PostFilterResult result, Diagnosis& diagnosis, Failure& out);
  static void end_failure(const Diagnosis& diagnosis, Failure& out);

  // extended_cycle.cpp: pods in which extenders have a say, one after the other, beside all others.
  void park(queue::QueuedPod& queued, const Member& member);
  rt::Task<void> schedule_parked();
  rt::Task<void> schedule_extended(std::string uid);
  rt::Task<Failure> extended_failure_of(algorithm::Placement placement, const Member* member, CycleState* state, PodInfoPtr pod);

  // binding.cpp
  rt::Task<void> bind(std::unique_ptr<Binding> binding);
  rt::Task<PluginStatus> bind_cycle(rt::Context ctx, Binding* binding);
  void tell_bindings();
  void bound(Binding& binding);
  void give_up(Binding& binding, const PluginStatus& status);
  void fail(const PodInfoPtr& pod, const Member& member, Failure failure, rt::TimePoint start);
  rt::Task<void> nominate(rt::Context ctx, Binding* binding);
  void tell_condition(ConditionWrite write);
  rt::Task<void> write_conditions(std::string uid, ConditionWrite write);
  rt::Task<void> patch_condition(const ConditionWrite* write);
  void count(const Member& member, const char* result, rt::TimePoint start);

  const SchedulerSetup& setup_;
  rt::Runtime& runtime_;
  rt::Clock& clock_;
  client::Client& client_;
  SchedulerMetrics metrics_;
  cache::Cache cache_;
  devices::DeviceLedger devices_;
  queue::Nominator nominator_;
  queue::SchedulingQueue queue_;
  algorithm::Algorithm algorithm_;
  client::Informers informers_;
  std::optional<client::Informer<Pod>> pods_;
  std::vector<Member> members_;
  std::unique_ptr<extenders::Extenders> extenders_;  // nullptr: none
  struct Parked {
    int32_t priority;
    uint64_t number;
    std::string uid;
    // The most important first, of equal ones the first that came.
    bool operator<(const Parked& other) const { return priority != other.priority ? priority > other.priority : number < other.number; }
  };
  std::set<Parked> parked_;  // in flight, and not begun
  uint64_t next_parked_ = 0;
  bool extending_ = false;  // schedule_parked() runs
  rt::TaskGroup tasks_;     // bindings, patches, plugins' work
  BindingPlaces places_;
  std::unordered_map<std::string, Binding*> bindings_;                 // by the pod's uid
  component::metrics::Gauge& binding_tasks_;                           // how many that are
  const bool expects_nominations_;                                     // NominatedNodeNameForExpectation
  std::unordered_map<std::string, ConditionWrites> condition_writes_;  // by the pod's uid, while there are any
  bool running_ = false;
};

}  // namespace pintle::scheduler

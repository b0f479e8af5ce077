// Plugins: what one derives from to take part in a phase of scheduling. A plugin derives from Plugin and from the phases
// it implements. All calls come on the scheduler's executor; those that are not tasks do not wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/informers.h"
#include "client/series_recorder.h"
#include "component/feature_gates.h"
#include "rt/context.h"
#include "rt/task.h"
#include "scheduler/framework/binding_place.h"
#include "scheduler/framework/cycle_state.h"
#include "scheduler/framework/events.h"
#include "scheduler/framework/node_list.h"
#include "scheduler/framework/status.h"

namespace pintle::scheduler::queue {
struct QueuedPod;
}  // namespace pintle::scheduler::queue

namespace pintle::scheduler {

constexpr int64_t node_score_max = 100;

class Plugin {
 public:
  virtual ~Plugin() = default;
  // What makes a pod that this plugin rejected worth another try.
  virtual std::vector<EventInterest> interests() const { return {}; }

  // Set by the registry: the name and the place in the table of all plugins (masks and states go by it).
  std::string_view name;
  int index = -1;
};

class PreEnqueuePlugin {
 public:
  virtual ~PreEnqueuePlugin() = default;
  // Rejected: the pod is gated, and does not enter the queue.
  virtual PluginStatus pre_enqueue(const PodInfo& pod) = 0;
};

class QueueSortPlugin {
 public:
  virtual ~QueueSortPlugin() = default;
  virtual bool less(const queue::QueuedPod& a, const queue::QueuedPod& b) const = 0;
};

// The nodes that a PreFilter leaves over; none given: all.
using NodeNames = std::optional<std::set<std::string>>;

class PreFilterPlugin {
 public:
  virtual ~PreFilterPlugin() = default;
  // Skip: the plugin's filter is not called for this pod. May narrow the nodes down.
  virtual PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames& nodes) = 0;
  // What the state becomes when `other` comes to (goes from) `node`: preemption, nominated pods.
  virtual void pod_added(CycleState&, const PodInfo&, const PlacedPod&, const NodeInfo&) {}
  virtual void pod_removed(CycleState&, const PodInfo&, const PlacedPod&, const NodeInfo&) {}
};

class FilterPlugin {
 public:
  virtual ~FilterPlugin() = default;
  // Success, or why not in `reasons` (empty on entry). Without an allocation.
  virtual Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const = 0;
  // The answer depends on the pod's needs (PodInfo::needs) and on this NodeInfo alone, and a pod more on the node never turns a no into a yes:
  // it is kept for other pods of the same needs until the node changes. Such a plugin has no use for pod_added() and pod_removed().
  virtual bool reads_node_alone() const { return false; }
};

struct Diagnosis;
}  // namespace pintle::scheduler

namespace pintle::scheduler::extenders {
class Extenders;
}  // namespace pintle::scheduler::extenders

namespace pintle::scheduler {

struct PostFilterResult {
  PluginStatus status;                        // Success: a node was made free
  std::optional<std::string> nominated_node;  // "": the pod loses its nominated node; none: it stays as it is
};
class PostFilterPlugin {
 public:
  virtual ~PostFilterPlugin() = default;
  virtual PostFilterResult post_filter(CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis) = 0;
  // The same where extenders have a say. The cluster may change while they are asked: nodes of the diagnosis are looked at before that alone.
  virtual rt::Task<PostFilterResult> post_filter_with(rt::Context, CycleState& state, PodInfoPtr pod, const Diagnosis& diagnosis,
                                                      const extenders::Extenders&) {
    co_return post_filter(state, *pod, diagnosis);
  }
};

using Nodes = const NodeList&;

class PreScorePlugin {
 public:
  virtual ~PreScorePlugin() = default;
  virtual PluginStatus pre_score(CycleState& state, const PodInfo& pod, Nodes nodes) = 0;
};

class ScorePlugin {
 public:
  virtual ~ScorePlugin() = default;
  // The scores of all nodes that fit, 0..node_score_max: normalised by the plugin where it needs to be.
  virtual PluginStatus score(const CycleState& state, const PodInfo& pod, Nodes nodes, std::span<int64_t> scores) const = 0;
  // The same of scores: each depends on the pod's needs and its own NodeInfo alone, and is kept until the node changes.
  virtual bool scores_node_alone() const { return false; }
};

class ReservePlugin {
 public:
  virtual ~ReservePlugin() = default;
  virtual PluginStatus reserve(CycleState& state, const PodInfo& pod, const std::string& node) = 0;
  virtual void unreserve(CycleState& state, const PodInfo& pod, const std::string& node) = 0;
};

class PermitPlugin {
 public:
  virtual ~PermitPlugin() = default;
  virtual PluginStatus permit(CycleState& state, const PodInfo& pod, const std::string& node) = 0;
};

class PreBindPlugin {
 public:
  virtual ~PreBindPlugin() = default;
  // Whether pre_bind() has anything to do for the pod: then others are told of its node first (status.nominatedNodeName).
  virtual bool has_work(CycleState& state) const = 0;
  // Leaves `place` while it waits for what others do. `ctx` ends with the pod.
  virtual rt::Task<PluginStatus> pre_bind(rt::Context ctx, CycleState& state, PodInfoPtr pod, std::string node, BindingPlace& place) = 0;
};

class BindPlugin {
 public:
  virtual ~BindPlugin() = default;
  // Skip: the next one is asked.
  virtual rt::Task<PluginStatus> bind(rt::Context ctx, CycleState& state, PodInfoPtr pod, std::string node) = 0;
};

class PostBindPlugin {
 public:
  virtual ~PostBindPlugin() = default;
  virtual void post_bind(CycleState& state, const PodInfo& pod, const std::string& node) = 0;
};

}  // namespace pintle::scheduler

// What a DaemonSet needs on one node: a pod made, pods deleted, and what the node adds to the status and to an update. Pure.
// Ledger puts the nodes together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "controller/pods/pod_state.h"
#include "rules/node_selector.h"

namespace pintle::controller::daemonset {

using api::apps_v1::DaemonSet;
using NodePtr = std::shared_ptr<const api::core_v1::Node>;

inline constexpr std::string_view hash_label = "controller-revision-hash";
inline constexpr int burst_max = 250;  // pods made or deleted in one round

struct Placement {
  bool should_run = false;
  bool may_stay = false;  // a pod that is there goes on
  bool operator==(const Placement&) const = default;
};
// Where a set's pods belong, compiled once for many nodes.
class Placer {
 public:
  // `toleration_comparisons`: Lt and Gt count (rules/tolerations.h).
  Placer(const DaemonSet& set, bool toleration_comparisons);
  Placement place(const api::core_v1::Node& node) const;

 private:
  std::string node_name_;
  rules::RequiredNodeAffinity affinity_;
  std::vector<api::core_v1::Toleration> tolerations_;
  bool toleration_comparisons_;
};
// The node that a pod of a DaemonSet is for: where it runs, or where its affinity sends it; "": unknown.
std::string target_node(const api::core_v1::Pod& pod);

struct Removal {
  pods::PodPtr pod;
  std::string event;  // "FailedDaemonPod", "SucceededDaemonPod"; "": none
};
struct Plan {
  std::vector<std::string> create;  // node names
  std::vector<Removal> remove;
  api::apps_v1::DaemonSetStatus status;
  std::optional<rt::Duration> look_again;

  bool has_room() const { return create.size() < burst_max && remove.size() < burst_max; }
};

// How many nodes of `desired` may have an old and a new pod at a time; 0: an update goes in place.
int32_t surge_of(const DaemonSet& set, int32_t desired);
// How many nodes may be without a pod that serves, in an update in place: at least one.
int32_t max_unavailable_of(const DaemonSet& set, int32_t desired);

// What an update, which comes when nothing else is to be done, does to a node.
enum class Roll : uint8_t {
  Nothing,
  Now,        // its old pod goes: it serves nobody, or its successor serves
  InTurn,     // its old pod goes when few enough nodes are without
  Misplaced,  // its old pod serves where the set is to run no more: it goes when the others do
  Beside,     // it gets a new pod: the old one serves nobody
  Surge,      // it gets a new pod when few enough nodes have two
};

// One node's part in the sums.
struct NodeFacts {
  Placement placement;
  bool scheduled = false, misscheduled = false, ready = false, available = false, updated = false;  // as the status counts
  bool acts = false;                                                                                // act() does something
  bool unavailable = false;                                                                         // counts against maxUnavailable
  bool surged = false;                                                                              // counts against maxSurge
  bool serving = false;
  Roll roll = Roll::Nothing;
};

struct Terms {
  const DaemonSet& set;
  std::string hash;  // of the template: what new pods carry
  rt::WallTime now;
  bool surging = false;
};

class NodeView {
 public:
  // `placement`: nullopt where there is no such node. `pods`: those that the set controls and that are for the node.
  // `failure_wait`: how long its failed pods wait yet to be replaced.
  NodeView(const Terms& terms, std::optional<Placement> placement, std::vector<pods::PodPtr> pods, rt::Duration failure_wait);
  NodeFacts facts() const;
  // When time alone changes the facts.
  std::optional<rt::Duration> look_again() const;
  // What is to be done beside an update.
  void act(const std::string& node, Plan& plan) const;
  // The pod that an update takes away; nullptr: none.
  pods::PodPtr old_one() const;

 private:
  struct Pair {
    pods::PodPtr fresh, old;
    bool too_many = false;  // of a sort
  };
  bool is_new(const pods::PodPtr& pod) const;
  bool available(const pods::PodPtr& pod) const { return pods::is_available(*pod, terms_.set.spec.min_ready_seconds, terms_.now); }
  Pair pair() const;
  void keep_one_of_each(const std::vector<pods::PodPtr>& running, Plan& plan) const;
  void roll_in_place(NodeFacts& facts) const;
  void roll_with_surge(NodeFacts& facts) const;

  const Terms& terms_;
  const std::optional<Placement> placement_;
  std::vector<pods::PodPtr> pods_;  // those that are bound first, then older first
  const rt::Duration failure_wait_;
};

// The pod for that node.
api::core_v1::Pod make_pod(const DaemonSet& set, const std::string& node, const std::string& hash);

}  // namespace pintle::controller::daemonset

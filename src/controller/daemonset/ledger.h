// Ledger: what the rounds of one DaemonSet have found on each node, and the sums of it. A round looks at the nodes alone that something
// happened to since the last one, or that time has come for, so it costs what has changed and not what there is.
// Good for one state of the set's spec and one hash of its template: another has a ledger of its own, and looks at every node once.
// Pure: time, nodes and pods come in.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/daemonset/plan.h"

namespace pintle::controller::daemonset {

struct Observed {
  const DaemonSet& set;
  std::string hash;
  rt::TimePoint now;
  rt::WallTime wall_now;
  std::function<NodePtr(const std::string& node)> node_named;                  // nullptr: there is none
  std::function<std::vector<pods::PodPtr>(const std::string& node)> pods_for;  // those that it controls
  std::function<rt::Duration(const std::string& node)> failure_wait;  // how long failed pods of the node wait to be replaced; zero: no longer
};

class Ledger {
 public:
  Ledger(const DaemonSet& set, bool toleration_comparisons) : placer_(set, toleration_comparisons), surging_(surge_of(set, 1) > 0) {}

  // Something of the node changed, or of the pods that are for it ("": for no node).
  void mark(std::string node) { marked_.insert(std::move(node)); }
  // Those that the next round looks at, but for what time brings.
  const std::set<std::string>& marked() const { return marked_; }
  bool knows(const std::string& node) const { return entries_.contains(node); }
  // Whether the set has another place on it now.
  bool is_concerned(const api::core_v1::Node& node) const;
  // Looks, and says what is to be done. What it plans for a node is expected to happen: that node is looked at again.
  Plan round(const Observed& seen);
  // The templates that pods of the set are of, by hash.
  std::vector<std::string> hashes() const;
  uint64_t looks() const { return looks_; }  // at nodes, so far

 private:
  struct Entry {
    NodeFacts facts;
    std::vector<uint16_t> hashes;  // places in hash_counts_
    rt::TimePoint due{};           // zero: never
  };
  struct Sums {
    int32_t desired = 0, scheduled = 0, misscheduled = 0, ready = 0, available = 0, updated = 0;
    int32_t unavailable = 0, surged = 0, serving = 0;
    void add(const NodeFacts& facts, int32_t sign);
  };

  Terms terms(const Observed& seen) const { return {seen.set, seen.hash, seen.wall_now, surging_}; }
  NodeView view(const Observed& seen, const Terms& terms, const std::string& node) const;
  void look_at_marked(const Observed& seen);
  void look(const Observed& seen, const Terms& terms, const std::string& node);
  void forget(const std::string& node, Entry& entry);
  void remember(const std::string& node, Entry& entry);
  uint16_t place_of_hash(const std::string& hash);
  std::set<std::string>& rolling(Roll roll) { return rolling_[static_cast<std::size_t>(roll)]; }
  void act(const Observed& seen, Plan& plan);
  void roll(const Observed& seen, Plan& plan);
  void remove_old(const Observed& seen, const std::string& node, Plan& plan);
  void create(const std::string& node, Plan& plan);
  void count(const DaemonSet& set, Plan& plan) const;

  const Placer placer_;
  bool surging_;  // whether an update surges, which the number of nodes may decide
  std::map<std::string, Entry> entries_;
  Sums sums_;
  std::set<std::string> marked_;
  std::set<std::string> acting_;
  std::set<std::string> rolling_[static_cast<std::size_t>(Roll::Surge) + 1];
  std::set<std::pair<rt::TimePoint, std::string>> due_;
  std::vector<std::pair<std::string, int32_t>> hash_counts_;
  uint64_t looks_ = 0;
};

}  // namespace pintle::controller::daemonset

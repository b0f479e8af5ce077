// Diagnosis: why a pod fits nowhere: what users read in FailedScheduling events and in the pod's condition.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/framework/node_info.h"
#include "scheduler/framework/node_verdicts.h"
#include "scheduler/framework/status.h"

namespace pintle::scheduler {

struct NodeRejection {
  const NodeInfo* node = nullptr;
  Code code = Code::Unschedulable;
  int plugin = -1;
  Reasons reasons;
};

struct Diagnosis {
  std::vector<NodeRejection> nodes;  // those that were looked at
  // Or, where no node fits and all were looked at: who said what, by slot, and the nodes from the first one that was. Until the next cycle.
  const NodeVerdicts* verdicts = nullptr;
  std::span<const NodeInfo* const> order;
  std::size_t first = 0;
  std::size_t node_count = 0;  // all there are
  // What holds for the nodes that were not looked at.
  Code absent_code = Code::UnschedulableAndUnresolvable;
  std::string absent_reason;
  uint64_t unschedulable_plugins = 0;  // masks by plugin index
  uint64_t pending_plugins = 0;
  std::deque<std::string> texts;  // of reasons that nothing else holds
  std::string pre_filter_message;
  std::string post_filter_message;

  void reject(int plugin, Code code) {
    if (plugin < 0) return;
    (code == Code::Pending ? pending_plugins : unschedulable_plugins) |= uint64_t{1} << plugin;
  }
  // Each node that was looked at, in that order, with what was said.
  template <class Visit>
  void each(Visit visit) const {
    for (const NodeRejection& rejection : nodes) visit(rejection.node, rejection.code, rejection.plugin, rejection.reasons);
    if (verdicts == nullptr) return;
    for (std::size_t i = 0, at = first; i < order.size(); ++i, at = at + 1 == order.size() ? 0 : at + 1) {
      const NodeVerdicts::Verdict& verdict = verdicts->of(order[at]->slot);
      visit(order[at], verdict.code, verdict.plugin, verdict.reasons);
    }
  }
  // Success: the node was not looked at.
  Code code_of(const NodeInfo& node) const;
  bool looked_at_none() const { return nodes.empty() && verdicts == nullptr; }
  // "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: ..."
  std::string message() const;
};

// The part of the message about nodes alone: "1 Insufficient cpu, 2 ..." in upstream's order; "" for none.
std::string reasons_text(const std::vector<NodeRejection>& nodes, std::size_t node_count, const std::string& absent_reason);
class ReasonCounts {
 public:
  void add(const Reasons& reasons, std::size_t nodes);
  std::string text(std::size_t node_count, const std::string& absent_reason) const;

 private:
  std::map<std::string_view, std::size_t> counts_;
  std::size_t nodes_ = 0;
};

}  // namespace pintle::scheduler

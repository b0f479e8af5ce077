// Diagnosis: why a pod fits nowhere: what users read in FailedScheduling events and in the pod's condition.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "scheduler/framework/node_info.h"
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
  std::size_t node_count = 0;        // all there are
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
  // "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: ..."
  std::string message() const;
};

// The part of the message about nodes alone: "1 Insufficient cpu, 2 ..." in upstream's order; "" for none.
std::string reasons_text(const std::vector<NodeRejection>& nodes, std::size_t node_count, const std::string& absent_reason);

}  // namespace pintle::scheduler

// Nominator: pods that are to run on a node once their victims have left it. Filters count them as if they were there.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler::queue {

class Nominator {
 public:
  // Is told of each node to which what is nominated changes.
  void on_change(std::function<void(const std::string& node)> hear) { hear_ = std::move(hear); }
  // Replaces what was nominated for the pod. An empty node: nothing.
  void add(PodInfoPtr pod, const std::string& node);
  void remove(const std::string& uid);
  const std::vector<PodInfoPtr>& on(const std::string& node) const;
  bool empty() const { return node_of_.empty(); }
  // "": none.
  std::string node_of(const std::string& uid) const;

 private:
  std::function<void(const std::string& node)> hear_;
  std::unordered_map<std::string, std::vector<PodInfoPtr>> by_node_;
  std::unordered_map<std::string, std::string> node_of_;
};

}  // namespace pintle::scheduler::queue

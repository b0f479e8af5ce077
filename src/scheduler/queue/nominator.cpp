#include "scheduler/queue/nominator.h"

namespace pintle::scheduler::queue {

void Nominator::add(PodInfoPtr pod, const std::string& node) {
  remove(pod->uid());
  if (node.empty()) return;
  node_of_[pod->uid()] = node;
  by_node_[node].push_back(std::move(pod));
  if (hear_) hear_(node);
}

void Nominator::remove(const std::string& uid) {
  auto it = node_of_.find(uid);
  if (it == node_of_.end()) return;
  auto pods = by_node_.find(it->second);
  std::erase_if(pods->second, [&](const PodInfoPtr& pod) { return pod->uid() == uid; });
  if (pods->second.empty()) by_node_.erase(pods);
  const std::string node = std::move(it->second);
  node_of_.erase(it);
  if (hear_) hear_(node);
}

const std::vector<PodInfoPtr>& Nominator::on(const std::string& node) const {
  static const std::vector<PodInfoPtr> none;
  auto it = by_node_.find(node);
  return it == by_node_.end() ? none : it->second;
}

std::string Nominator::node_of(const std::string& uid) const {
  auto it = node_of_.find(uid);
  return it == node_of_.end() ? std::string() : it->second;
}

}  // namespace pintle::scheduler::queue

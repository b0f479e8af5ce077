#include "scheduler/framework/diagnosis.h"

#include <algorithm>
#include <map>

namespace pintle::scheduler {

void ReasonCounts::add(const Reasons& reasons, std::size_t nodes) {
  for (std::string_view reason : reasons) counts_[reason] += nodes;
  nodes_ += nodes;
}

std::string ReasonCounts::text(std::size_t node_count, const std::string& absent_reason) const {
  std::map<std::string_view, std::size_t> counts = counts_;
  if (node_count > nodes_ && !absent_reason.empty()) counts[absent_reason] += node_count - nodes_;
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts) parts.push_back(std::to_string(count) + " " + std::string(reason));
  std::ranges::sort(parts);
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

std::string reasons_text(const std::vector<NodeRejection>& nodes, std::size_t node_count, const std::string& absent_reason) {
  ReasonCounts counts;
  for (const NodeRejection& node : nodes) counts.add(node.reasons, 1);
  return counts.text(node_count, absent_reason);
}

Code Diagnosis::code_of(const NodeInfo& node) const {
  if (verdicts != nullptr) return verdicts->of(node.slot).code;
  const auto found = std::ranges::find(nodes, &node, &NodeRejection::node);
  return found == nodes.end() ? Code::Success : found->code;
}

std::string Diagnosis::message() const {
  std::string out = "0/" + std::to_string(node_count) + " nodes are available:";
  std::string why = pre_filter_message;
  if (why.empty()) {
    ReasonCounts counts;
    for (const NodeRejection& node : nodes) counts.add(node.reasons, 1);
    if (verdicts != nullptr)
      for (const NodeVerdicts::Verdict& verdict : verdicts->all())
        if (verdict.nodes > 0) counts.add(verdict.reasons, verdict.nodes);
    why = counts.text(node_count, absent_reason);
  }
  if (!why.empty()) out += " " + why + ".";
  if (!post_filter_message.empty()) out += " " + post_filter_message;
  return out;
}

}  // namespace pintle::scheduler

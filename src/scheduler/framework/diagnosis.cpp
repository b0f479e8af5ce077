#include "scheduler/framework/diagnosis.h"

#include <algorithm>
#include <map>

namespace pintle::scheduler {

std::string reasons_text(const std::vector<NodeRejection>& nodes, std::size_t node_count, const std::string& absent_reason) {
  std::map<std::string_view, std::size_t> counts;
  for (const NodeRejection& node : nodes)
    for (std::string_view reason : node.reasons) ++counts[reason];
  if (node_count > nodes.size() && !absent_reason.empty()) counts[absent_reason] += node_count - nodes.size();
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

std::string Diagnosis::message() const {
  std::string out = "0/" + std::to_string(node_count) + " nodes are available:";
  const std::string why = pre_filter_message.empty() ? reasons_text(nodes, node_count, absent_reason) : pre_filter_message;
  if (!why.empty()) out += " " + why + ".";
  if (!post_filter_message.empty()) out += " " + post_filter_message;
  return out;
}

}  // namespace pintle::scheduler

#include "apiserver/admission/pod_node_selector/node_labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "apimachinery/validation/formats.h"
#include "base/split.h"

namespace pintle::apiserver::admission::pod_node_selector {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Upstream checks without a path, and says so.
Unexpected<Status> bad_part(std::string_view value, const apimachinery::Faults& faults) {
  return error(Reason::Unknown, fmt::format("<nil>: Invalid value: \"{}\": {}", value, fmt::join(faults, "; ")));
}

}  // namespace

Result<NodeLabels> parse_node_labels(std::string_view selector) {
  NodeLabels out;
  if (selector.empty()) return out;
  for (const std::string_view part : split(selector, ',')) {
    const auto sides = split(part, '=');
    if (sides.size() != 2) return error(Reason::Unknown, fmt::format("invalid selector: [{}]", fmt::join(sides, " ")));
    const std::string_view key = trimmed(sides[0]), value = trimmed(sides[1]);
    if (const auto faults = apimachinery::check_qualified_name(key); !faults.empty()) return bad_part(key, faults);
    if (const auto faults = apimachinery::check_label_value(value); !faults.empty()) return bad_part(value, faults);
    out[std::string(key)] = value;
  }
  return out;
}

Result<NodeLabels> labels_of_namespace(const api::core_v1::Namespace& ns, const NamespaceSelectors& configured) {
  if (const std::string* own = ns.metadata.annotations.get(selector_annotation)) return parse_node_labels(*own);
  const auto by_default = configured.find(cluster_default);
  return by_default == configured.end() ? NodeLabels() : parse_node_labels(by_default->second);
}

bool conflict(const NodeLabels& wanted, const FlatMap<std::string>& pod) {
  return std::ranges::any_of(wanted, [&](const auto& label) {
    const std::string* there = pod.get(label.first);
    return there != nullptr && *there != label.second;
  });
}

bool is_allowed(const FlatMap<std::string>& pod, const NodeLabels& allowed) {
  if (allowed.empty()) return true;
  return std::ranges::all_of(pod, [&](const auto& label) {
    const auto it = allowed.find(label.first);
    return it != allowed.end() && it->second == label.second;
  });
}

}  // namespace pintle::apiserver::admission::pod_node_selector

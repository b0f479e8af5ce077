#include "controller/pods/deletion_rank.h"

#include <algorithm>
#include <bit>
#include <compare>
#include <map>

#include "base/parse_number.h"
#include "controller/objects/time.h"

namespace pintle::controller::pods {

namespace {

struct Rank {
  bool assigned = false;
  int phase = 0;
  bool ready = false;
  int32_t cost = 0;
  int neighbours = 0;     // negated: more go first
  int64_t ready_age = 0;  // the power of two of its seconds
  int32_t restarts = 0;   // negated
  int64_t age = 0;
  std::string_view uid;
  auto operator<=>(const Rank&) const = default;
};

int phase_rank(std::string_view phase) { return phase == "Pending" ? 0 : phase == "Unknown" ? 1 : phase == "Running" ? 2 : 0; }

// No time at all counts as youngest.
int64_t logarithmic_age(const api::Time& since, rt::WallTime now) {
  if (since.zero()) return -2;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - apimachinery::to_wall_time(since)).count();
  return seconds <= 0 ? -1 : std::bit_width(static_cast<uint64_t>(seconds));
}

Rank rank_of(const api::core_v1::Pod& pod, const std::map<std::string_view, int>& on_node, rt::WallTime now) {
  Rank rank;
  rank.assigned = !pod.spec.node_name.empty();
  rank.phase = phase_rank(pod.status.phase);
  rank.ready = rules::is_ready(pod);
  rank.cost = deletion_cost(pod);
  if (auto it = on_node.find(pod.spec.node_name); rank.assigned && it != on_node.end()) rank.neighbours = -it->second;
  if (rank.ready) rank.ready_age = logarithmic_age(rules::ready_condition(pod)->last_transition_time, now);
  rank.restarts = -max_container_restarts(pod);
  rank.age = logarithmic_age(pod.metadata.creation_timestamp, now);
  rank.uid = pod.metadata.uid;
  return rank;
}

}  // namespace

int32_t deletion_cost(const api::core_v1::Pod& pod) {
  const std::string* text = pod.metadata.annotations.get("controller.kubernetes.io/pod-deletion-cost");
  return text == nullptr ? 0 : parse_number<int32_t>(*text).value_or(0);
}

std::vector<PodPtr> pods_to_delete(std::vector<PodPtr> pods, std::size_t count, const std::vector<PodPtr>& related, rt::WallTime now) {
  if (count >= pods.size()) return pods;
  std::map<std::string_view, int> on_node;
  for (const PodPtr& pod : related)
    if (rules::is_active(*pod)) ++on_node[pod->spec.node_name];
  std::vector<std::pair<Rank, PodPtr>> ranked;
  ranked.reserve(pods.size());
  for (PodPtr& pod : pods) {
    Rank rank = rank_of(*pod, on_node, now);
    ranked.emplace_back(std::move(rank), std::move(pod));
  }
  std::ranges::sort(ranked, [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PodPtr> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(std::move(ranked[i].second));
  return out;
}

}  // namespace pintle::controller::pods

#include "apiserver/metrics_server/plan.h"

#include <algorithm>
#include <utility>

#include "apiserver/connect/kubelet_client.h"
#include "rules/conditions.h"

namespace pintle::apiserver::metrics_server {

std::optional<std::string> page_url(const api::core_v1::Node& node, const std::vector<std::string>& preferred_addresses) {
  if (!rules::condition_is(node.status.conditions, "Ready", "True")) return std::nullopt;
  const auto address = connect::kubelet_address(node, preferred_addresses);
  if (!address) return std::nullopt;
  return address->origin() + "/metrics/resource";
}

void Schedule::put(const std::string& name, Node& node, rt::TimePoint due) {
  waiting_.erase({node.due, name});
  node.due = due;
  waiting_.emplace(due, name);
}

bool Schedule::set(const std::string& name, std::string url, rt::TimePoint now) {
  const auto [it, fresh] = nodes_.try_emplace(name);
  Node& node = it->second;
  if (!fresh && node.url == url) return false;
  if (!fresh && !node.running) waiting_.erase({node.due, name});
  node = {};
  node.url = std::move(url);
  node.id = next_id_++;
  put(name, node, now);
  return true;
}

bool Schedule::remove(const std::string& name) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return false;
  waiting_.erase({it->second.due, name});
  nodes_.erase(it);
  return true;
}

std::vector<Schedule::Turn> Schedule::take_due(rt::TimePoint now, std::size_t most) {
  std::vector<Turn> out;
  while (!waiting_.empty() && waiting_.begin()->first <= now && out.size() < most) {
    const std::string name = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    Node& node = nodes_.at(name);
    node.running = true;
    out.push_back({name, node.url, node.id, node.failures});
  }
  return out;
}

std::optional<rt::TimePoint> Schedule::next_due() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

bool Schedule::done(const Turn& turn, bool good, rt::TimePoint now, rt::Duration period, double spread) {
  const auto it = nodes_.find(turn.node);
  if (it == nodes_.end() || it->second.id != turn.id) return false;
  Node& node = it->second;
  node.running = false;
  if (!good) {
    ++node.failures;
    rt::Duration pause = period;
    for (int i = 0; i < node.failures && pause < failure_pause_max; ++i) pause *= 2;
    put(turn.node, node, now + std::max(period, std::min(pause, failure_pause_max)));
    return true;
  }
  node.failures = 0;
  rt::TimePoint next = node.due + period;
  if (node.fresh) next = now + period / 2 + std::chrono::duration_cast<rt::Duration>(period / 2 * spread);
  node.fresh = false;
  put(turn.node, node, next > now ? next : now + period);
  return true;
}

void Schedule::hurry(rt::TimePoint now) {
  rt::Duration step{0};
  const auto before = std::exchange(waiting_, {});
  for (const auto& [due, name] : before) {
    Node& node = nodes_.at(name);
    node.due = std::min(due, now + step);
    waiting_.emplace(node.due, name);
    step = std::min(step + hurry_step, hurry_max);
  }
}

}  // namespace pintle::apiserver::metrics_server

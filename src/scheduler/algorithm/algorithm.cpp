#include "scheduler/algorithm/algorithm.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace pintle::scheduler::algorithm {

std::size_t feasible_nodes_to_find(std::size_t nodes, int32_t percentage) {
  if (nodes < feasible_nodes_min) return nodes;
  std::size_t percent = percentage > 0 ? static_cast<std::size_t>(percentage) : 0;
  if (percent == 0) {
    const std::size_t less = nodes / 125;
    percent = less + feasible_percentage_min >= 50 ? feasible_percentage_min : 50 - less;
  }
  return std::max(nodes * std::min<std::size_t>(percent, 100) / 100, feasible_nodes_min);
}

bool Algorithm::pre_filter(const Profile& profile, CycleState& state, const PodInfo& pod, NodeNames& nodes, Placement& out) {
  const PhaseTimer timer(metrics_, clock_, Phase::PreFilter, profile.scheduler_name);
  uint64_t narrowing = 0;
  for (const auto& placed : profile.pre_filter) {
    NodeNames mine;
    PluginStatus status = placed.plugin->pre_filter(state, pod, mine);
    if (status.code == Code::Skip) {
      state.skip_filter |= uint64_t{1} << placed.index;
      continue;
    }
    if (is_rejected(status.code)) {
      diagnosis_.reject(placed.index, status.code);
      diagnosis_.absent_code = status.code;
      diagnosis_.absent_reason = diagnosis_.pre_filter_message = status.message();
      return false;
    }
    if (!status.ok()) {
      out.error = PluginStatus::of(Code::Error, "running PreFilter plugin \"" + std::string(placed.name) + "\": " + status.message());
      return false;
    }
    if (!mine) continue;
    narrowing |= uint64_t{1} << placed.index;
    if (!nodes)
      nodes = std::move(mine);
    else
      std::erase_if(*nodes, [&](const std::string& name) { return !mine->contains(name); });
    if (!nodes->empty()) continue;
    std::string names;
    for (const std::string& name : plugin_names(narrowing)) names += (names.empty() ? "" : " ") + name;
    const bool several = (narrowing & (narrowing - 1)) != 0;
    diagnosis_.unschedulable_plugins |= narrowing;
    diagnosis_.absent_reason = diagnosis_.pre_filter_message =
        several ? "node(s) didn't satisfy plugin(s) [" + names + "] simultaneously" : "node(s) didn't satisfy plugin " + names;
    return false;
  }
  if (nodes) {
    diagnosis_.unschedulable_plugins |= narrowing;
    std::string names;
    for (const std::string& name : plugin_names(narrowing)) names += (names.empty() ? "" : " ") + name;
    diagnosis_.absent_reason = "node(s) didn't satisfy plugin(s) [" + names + "]";
  }
  return true;
}

bool Algorithm::find_feasible(const FilterRunner& filters, const CycleState& state, const PodInfo& pod, Nodes nodes, std::size_t wanted,
                              Placement& out) {
  NodeRejection rejection;
  const std::size_t count = nodes.size();
  std::size_t at = count == 0 ? 0 : next_start_ % count;
  for (std::size_t i = 0; i < count && feasible_.size() < wanted; ++i, at = at + 1 == count ? 0 : at + 1) {
    rejection.reasons.clear();
    rejection.code = filters.run_with_nominated(state, pod, *nodes[at], rejection.reasons, rejection.plugin);
    if (rejection.code == Code::Success) {
      feasible_.push_back(nodes[at]);
      continue;
    }
    if (rejection.code == Code::Error) {
      std::string why;
      for (std::string_view reason : rejection.reasons) why += reason;
      out.error = PluginStatus::of(Code::Error, "running \"" + std::string(plugin_name(rejection.plugin)) + "\" filter plugin: " + why);
      return false;
    }
    rejection.node = nodes[at];
    diagnosis_.reject(rejection.plugin, rejection.code);
    diagnosis_.nodes.push_back(rejection);
  }
  return true;
}

bool Algorithm::pre_score(const Profile& profile, CycleState& state, const PodInfo& pod, Placement& out) {
  const PhaseTimer timer(metrics_, clock_, Phase::PreScore, profile.scheduler_name);
  for (const auto& placed : profile.pre_score) {
    const PluginStatus status = placed.plugin->pre_score(state, pod, feasible_);
    if (status.code == Code::Skip) {
      state.skip_score |= uint64_t{1} << placed.index;
    } else if (!status.ok()) {
      out.error = PluginStatus::of(Code::Error, "running PreScore plugin \"" + std::string(placed.name) + "\": " + status.message());
      return false;
    }
  }
  return true;
}

bool Algorithm::score(const Profile& profile, CycleState& state, const PodInfo& pod, Placement& out) {
  const PhaseTimer timer(metrics_, clock_, Phase::Score, profile.scheduler_name);
  totals_.assign(feasible_.size(), 0);
  scores_.resize(feasible_.size());
  for (const auto& placed : profile.score) {
    if (state.skip_score >> placed.index & 1) continue;
    std::ranges::fill(scores_, 0);
    const PluginStatus status = placed.plugin->score(state, pod, feasible_, scores_);
    if (!status.ok()) {
      out.error =
          PluginStatus::of(Code::Error, "running Score plugins: plugin \"" + std::string(placed.name) + "\" failed with: " + status.message());
      return false;
    }
    for (std::size_t i = 0; i < totals_.size(); ++i) {
      if (scores_[i] < 0 || scores_[i] > node_score_max) {
        out.error = PluginStatus::of(Code::Error, "applying score defaultWeights on Score plugins: plugin \"" + std::string(placed.name) +
                                                      "\" gave the score " + std::to_string(scores_[i]) +
                                                      ", which is not within 0 and 100 after normalizing");
        return false;
      }
      totals_[i] += scores_[i] * placed.weight;
    }
  }
  return true;
}

const NodeInfo* Algorithm::best() {
  std::size_t chosen = 0, equals = 1;
  for (std::size_t i = 1; i < totals_.size(); ++i) {
    if (totals_[i] > totals_[chosen]) {
      chosen = i;
      equals = 1;
    } else if (totals_[i] == totals_[chosen] && random_.below(++equals) == 0) {
      chosen = i;
    }
  }
  return feasible_[chosen];
}

Placement Algorithm::schedule(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage) {
  const Placement found = find(filters, state, pod, global_percentage);
  return found.feasible == 0 || !found.error.ok() ? found : choose(filters, state, pod, found, {});
}

Placement Algorithm::find(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage) {
  const Profile& profile = filters.profile();
  const auto& all = cache_.nodes();
  Placement out;
  diagnosis_.nodes.clear();
  std::vector<NodeRejection> reused = std::move(diagnosis_.nodes);
  diagnosis_ = Diagnosis{};
  diagnosis_.nodes = std::move(reused);
  diagnosis_.node_count = all.size();
  feasible_.clear();
  if (all.empty()) {
    out.no_nodes = true;
    return out;
  }
  NodeNames names;
  if (!pre_filter(profile, state, pod, names, out)) return out;

  const PhaseTimer timer(metrics_, clock_, Phase::Filter, profile.scheduler_name);
  const std::string& nominated = pod.pod->status.nominated_node_name;
  const NodeInfo* hoped = nominated.empty() ? nullptr : cache_.find(nominated);
  if (hoped != nullptr && !find_feasible(filters, state, pod, Nodes(&hoped, 1), 1, out)) return out;
  if (feasible_.empty()) {
    diagnosis_.nodes.clear();
    Nodes nodes = all;
    if (names) {
      candidates_.clear();
      for (const std::string& name : *names)
        if (const NodeInfo* node = cache_.find(name)) candidates_.push_back(node);
      nodes = candidates_;
    }
    const int32_t percentage = profile.percentage_of_nodes_to_score != 0 ? profile.percentage_of_nodes_to_score : global_percentage;
    const std::size_t wanted = profile.score.empty() ? 1 : feasible_nodes_to_find(nodes.size(), percentage);
    if (!find_feasible(filters, state, pod, nodes, wanted, out)) return out;
    next_start_ = (next_start_ + feasible_.size() + diagnosis_.nodes.size()) % all.size();
  }
  out.feasible = feasible_.size();
  out.evaluated = feasible_.size() + diagnosis_.nodes.size();
  return out;
}

void Algorithm::narrow(const extenders::Verdict& verdict) {
  std::set<std::string_view> passed;
  for (const NodePtr& node : verdict.passed) passed.insert(node->metadata.name);
  const std::size_t removed = std::erase_if(feasible_, [&](const NodeInfo* node) {
    if (passed.contains(node->name())) return false;
    const auto objection = verdict.objections.find(node->name());
    if (objection == verdict.objections.end()) return true;  // it was not asked about, or left out without a word
    NodeRejection rejection;
    rejection.node = node;
    rejection.code = objection->second.code;
    rejection.plugin = extender_index;
    rejection.reasons.add(diagnosis_.texts.emplace_back(objection->second.reason));
    diagnosis_.nodes.push_back(rejection);
    return true;
  });
  if (removed > 0) diagnosis_.reject(extender_index, Code::Unschedulable);
}

Placement Algorithm::choose(const FilterRunner& filters, CycleState& state, const PodInfo& pod, Placement found,
                            const std::map<std::string, int64_t>& further) {
  const Profile& profile = filters.profile();
  found.feasible = feasible_.size();
  if (feasible_.empty()) return found;
  if (feasible_.size() == 1) {
    found.node = feasible_.front();
    return found;
  }
  if (!pre_score(profile, state, pod, found) || !score(profile, state, pod, found)) return found;
  if (!further.empty())
    for (std::size_t i = 0; i < feasible_.size(); ++i)
      if (const auto more = further.find(feasible_[i]->name()); more != further.end()) totals_[i] += more->second;
  found.node = best();
  return found;
}

}  // namespace pintle::scheduler::algorithm

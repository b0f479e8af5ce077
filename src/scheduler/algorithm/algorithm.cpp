#include "scheduler/algorithm/algorithm.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/check.h"

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

bool Algorithm::find_feasible(const FilterRunner& filters, const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes,
                              std::size_t wanted, Placement& out) {
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

bool Algorithm::add_scores(const Profile& profile, const CycleState& state, const PodInfo& pod, Scorers which, Nodes nodes, std::span<int64_t> totals,
                           Placement& out) {
  for (const auto& placed : profile.score) {
    if (state.skip_score >> placed.index & 1) continue;
    if (which != Scorers::All && placed.plugin->scores_node_alone() != (which == Scorers::OfOneNode)) continue;
    scores_.assign(nodes.size(), 0);
    const PluginStatus status = placed.plugin->score(state, pod, nodes, scores_);
    if (!status.ok()) {
      out.error =
          PluginStatus::of(Code::Error, "running Score plugins: plugin \"" + std::string(placed.name) + "\" failed with: " + status.message());
      return false;
    }
    for (std::size_t i = 0; i < totals.size(); ++i) {
      if (scores_[i] < 0 || scores_[i] > node_score_max) {
        out.error = PluginStatus::of(Code::Error, "applying score defaultWeights on Score plugins: plugin \"" + std::string(placed.name) +
                                                      "\" gave the score " + std::to_string(scores_[i]) +
                                                      ", which is not within 0 and 100 after normalizing");
        return false;
      }
      totals[i] += scores_[i] * placed.weight;
    }
  }
  return true;
}

bool Algorithm::add_kept_scores(const Profile& profile, const CycleState& state, const PodInfo& pod, Placement& out) {
  unscored_.clear();
  for (std::size_t i = 0; i < feasible_.size(); ++i)
    if (table_->scores[feasible_.slots()[i]] == ShapeTable::no_score) unscored_.push_back(feasible_[i], feasible_.slots()[i]);
  if (!unscored_.empty()) {
    fresh_.assign(unscored_.size(), 0);
    if (!add_scores(profile, state, pod, Scorers::OfOneNode, unscored_, fresh_, out)) return false;
    for (std::size_t i = 0; i < unscored_.size(); ++i) table_->scores[unscored_.slots()[i]] = fresh_[i];
  }
  for (std::size_t i = 0; i < feasible_.size(); ++i) totals_[i] += table_->scores[feasible_.slots()[i]];
  return true;
}

bool Algorithm::score(const Profile& profile, CycleState& state, const PodInfo& pod, Placement& out) {
  const PhaseTimer timer(metrics_, clock_, Phase::Score, profile.scheduler_name);
  totals_.assign(feasible_.size(), 0);
  if (table_ == nullptr) return add_scores(profile, state, pod, Scorers::All, feasible_, totals_, out);
  return add_kept_scores(profile, state, pod, out) && add_scores(profile, state, pod, Scorers::OfAllNodes, feasible_, totals_, out);
}

const NodeInfo* Algorithm::best() {
  const int64_t most = *std::ranges::max_element(totals_);
  const auto equals = static_cast<std::size_t>(std::ranges::count(totals_, most));
  std::size_t skip = equals == 1 ? 0 : static_cast<std::size_t>(random_.below(equals));
  for (std::size_t i = 0; i < totals_.size(); ++i)
    if (totals_[i] == most && skip-- == 0) return feasible_[i];
  CHECK(false, "one of the nodes is the best");
}

Placement Algorithm::schedule(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage) {
  const Placement found = search(filters, state, pod, global_percentage, true);
  return found.feasible == 0 || !found.error.ok() ? found : choose(filters, state, pod, found, {});
}

Placement Algorithm::find(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage) {
  return search(filters, state, pod, global_percentage, false);
}

bool Algorithm::find_kept(const FilterRunner& filters, const CycleState& state, const PodInfo& pod, std::size_t wanted, Placement& out) {
  const std::vector<const NodeInfo*>& nodes = cache_.nodes();
  const std::vector<uint32_t>& slots = cache_.slots();
  const std::size_t count = nodes.size();
  ShapeTable& table = tables_.of(filters, pod);
  // What is nominated counts for all pods of the shape but for the one that it is.
  const NodeInfo* own = cache_.find(filters.nominated_node(pod));
  if (own != nullptr) {
    table.verdicts.set(own->slot, NodeVerdicts::unknown);
    table.own.push_back(own->slot);
    if (tables_.ask(table, state, pod, *own) == NodeVerdicts::unknown) return false;
  }
  const bool few_unasked = table.unasked.size() <= unasked_share_min + count / 8;
  if (table.verdicts.fitting() == 0 && few_unasked && !tables_.ask_all(table, state, pod)) return false;
  const std::size_t first = next_start_ % count;
  const bool alone = filters.only_kept(state);
  std::size_t seen = 0;
  if (table.verdicts.fitting() == 0 && table.unasked.empty()) {
    seen = count;
  } else {
    NodeRejection rejection;
    for (std::size_t at = first; seen < count && feasible_.size() < wanted; ++seen, at = at + 1 == count ? 0 : at + 1) {
      NodeVerdicts::Id verdict = table.verdicts.at(slots[at]);
      if (verdict == NodeVerdicts::unknown) verdict = tables_.ask(table, state, pod, *nodes[at]);
      if (verdict == NodeVerdicts::unknown) return false;
      if (verdict != NodeVerdicts::fits) continue;
      if (alone) {
        feasible_.push_back(nodes[at], slots[at]);
        continue;
      }
      rejection.reasons.clear();
      rejection.code = filters.run_others(state, pod, *nodes[at], rejection.reasons, rejection.plugin);
      if (rejection.code == Code::Error) return false;
      if (rejection.code == Code::Success) {
        feasible_.push_back(nodes[at], slots[at]);
      } else {
        rejection.node = nodes[at];
        diagnosis_.nodes.push_back(rejection);
      }
    }
    if (seen == count) table.forget_unasked();
  }
  out.evaluated = seen;
  table_ = &table;
  if (feasible_.empty()) diagnose_kept(table, first);
  return true;
}

// No node fits: what was said of each.
void Algorithm::diagnose_kept(const ShapeTable& table, std::size_t first) {
  const std::vector<const NodeInfo*>& nodes = cache_.nodes();
  if (diagnosis_.nodes.empty()) {
    diagnosis_.verdicts = &table.verdicts;
    diagnosis_.order = nodes;
    diagnosis_.first = first;
    for (const NodeVerdicts::Verdict& verdict : table.verdicts.all())
      if (verdict.nodes > 0) diagnosis_.reject(verdict.plugin, verdict.code);
    return;
  }
  const std::vector<NodeRejection> others = std::move(diagnosis_.nodes);  // in the order of the search
  diagnosis_.nodes.clear();
  auto next = others.begin();
  NodeRejection rejection;
  for (std::size_t i = 0, at = first; i < nodes.size(); ++i, at = at + 1 == nodes.size() ? 0 : at + 1) {
    if (next != others.end() && next->node == nodes[at]) {
      rejection = *next++;
    } else {
      const NodeVerdicts::Verdict& verdict = table.verdicts.of(nodes[at]->slot);
      rejection.node = nodes[at];
      rejection.code = verdict.code;
      rejection.plugin = verdict.plugin;
      rejection.reasons = verdict.reasons;
    }
    diagnosis_.reject(rejection.plugin, rejection.code);
    diagnosis_.nodes.push_back(rejection);
  }
}

Placement Algorithm::search(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage, bool kept) {
  const Profile& profile = filters.profile();
  const auto& all = cache_.nodes();
  Placement out;
  diagnosis_.nodes.clear();
  std::vector<NodeRejection> reused = std::move(diagnosis_.nodes);
  diagnosis_ = Diagnosis{};
  diagnosis_.nodes = std::move(reused);
  diagnosis_.node_count = all.size();
  feasible_.clear();
  table_ = nullptr;
  if (all.empty()) {
    out.no_nodes = true;
    return out;
  }
  NodeNames names;
  if (!pre_filter(profile, state, pod, names, out)) return out;

  const PhaseTimer timer(metrics_, clock_, Phase::Filter, profile.scheduler_name);
  const std::string& nominated = pod.pod->status.nominated_node_name;
  const NodeInfo* hoped = nominated.empty() ? nullptr : cache_.find(nominated);
  if (hoped != nullptr && !find_feasible(filters, state, pod, std::span(&hoped, 1), 1, out)) return out;
  if (!feasible_.empty()) {
    out.feasible = feasible_.size();
    out.evaluated = feasible_.size() + diagnosis_.nodes.size();
    return out;
  }
  diagnosis_.nodes.clear();
  std::span<const NodeInfo* const> nodes = all;
  if (names) {
    candidates_.clear();
    for (const std::string& name : *names)
      if (const NodeInfo* node = cache_.find(name)) candidates_.push_back(node);
    nodes = candidates_;
  }
  const int32_t percentage = profile.percentage_of_nodes_to_score != 0 ? profile.percentage_of_nodes_to_score : global_percentage;
  const std::size_t wanted = profile.score.empty() ? 1 : feasible_nodes_to_find(nodes.size(), percentage);
  const bool found = kept && !names && !pod.needs.empty() && find_kept(filters, state, pod, wanted, out);
  if (!found) {
    feasible_.clear();
    diagnosis_.nodes.clear();
    if (!find_feasible(filters, state, pod, nodes, wanted, out)) return out;
    out.evaluated = feasible_.size() + diagnosis_.nodes.size();
  }
  next_start_ = (next_start_ + out.evaluated) % all.size();
  out.feasible = feasible_.size();
  return out;
}

void Algorithm::narrow(const extenders::Verdict& verdict) {
  std::set<std::string_view> passed;
  for (const NodePtr& node : verdict.passed) passed.insert(node->metadata.name);
  const std::size_t removed = feasible_.erase_if([&](const NodeInfo* node) {
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

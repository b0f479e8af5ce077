#include "scheduler/plugins/default_preemption/default_preemption.h"

#include <algorithm>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/cache/cache.h"
#include "scheduler/extenders/extenders.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/metrics.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/default_preemption/eviction.h"
#include "scheduler/plugins/default_preemption/plan.h"

namespace pintle::scheduler::plugins {

namespace {

using api::policy_v1::PodDisruptionBudget;

class DefaultPreemption final : public Plugin, public PostFilterPlugin {
 public:
  DefaultPreemption(const PluginDeps& deps, int32_t percentage, int32_t absolute)
      : deps_(deps), budgets_(deps.informers.of<PodDisruptionBudget>()), percentage_(percentage), absolute_(absolute) {}

  PostFilterResult post_filter(CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis) override {
    PostFilterResult out;
    const std::vector<Candidate> candidates = candidates_for(state, pod, diagnosis, out);
    return candidates.empty() ? out : preempt(pod, best_candidate(candidates));
  }

  rt::Task<PostFilterResult> post_filter_with(rt::Context ctx, CycleState& state, PodInfoPtr pod, const Diagnosis& diagnosis,
                                              const extenders::Extenders& extenders) override {
    PostFilterResult out;
    std::vector<Candidate> candidates = candidates_for(state, *pod, diagnosis, out);
    if (candidates.empty()) co_return out;
    if (extenders.take_part_in_preemption(*pod->pod)) {
      extenders::VictimsByNode victims;
      for (Candidate& candidate : candidates) victims[candidate.node] = {std::move(candidate.victims), candidate.budget_violations};
      const auto find = [this](const std::string& node, const std::string& uid) { return pod_on(node, uid); };
      auto left = co_await extenders.preempt(std::move(ctx), pod->pod, std::move(victims), find);
      if (!left) {
        out.status = PluginStatus::of(Code::Error, "preemption: " + left.error().message);
        co_return out;
      }
      candidates.clear();
      for (auto& [node, leaving] : *left) candidates.push_back({node, std::move(leaving.pods), leaving.budget_violations});
      if (candidates.empty()) {
        out.status = PluginStatus::of(Code::Unschedulable, "preemption: not helpful, say the extenders");
        out.nominated_node = "";
        co_return out;
      }
    }
    co_return preempt(*pod, best_candidate(candidates));
  }

 private:
  // Where pods could make room; none: `out` says why.
  std::vector<Candidate> candidates_for(CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis, PostFilterResult& out) {
    deps_.metrics.preemption_attempts.with({}).add();
    if (const std::string why = not_eligible(pod, diagnosis); !why.empty()) {
      out.status = PluginStatus::of(Code::Unschedulable, "preemption: " + why);
      return {};
    }
    std::vector<NodeRejection> rejections;
    std::vector<CycleState> kept;  // the owners of the rejections' texts
    std::vector<Candidate> candidates = dry_run(state, pod, diagnosis, rejections, kept);
    if (candidates.empty()) {
      const std::string why = reasons_text(rejections, diagnosis.node_count, "Preemption is not helpful for scheduling");
      out.status = PluginStatus::of(Code::Unschedulable, "preemption: 0/" + std::to_string(diagnosis.node_count) +
                                                             " nodes are available:" + (why.empty() ? "" : " " + why + "."));
      out.nominated_node = "";
    }
    return candidates;
  }

  PostFilterResult preempt(const PodInfo& pod, const Candidate& chosen) {
    deps_.metrics.preemption_victims.with({}).observe(static_cast<double>(chosen.victims.size()));
    Preemption preemption;
    preemption.preemptor = std::make_shared<PodInfo>(pod);
    preemption.node = chosen.node;
    preemption.victims = chosen.victims;
    for (const PodInfoPtr& other : deps_.nominator.on(preemption.node))
      if (other->priority < pod.priority) preemption.disappointed.push_back(other);
    for (const PodInfoPtr& other : preemption.disappointed) deps_.nominator.remove(other->uid());
    PostFilterResult out;
    out.nominated_node = preemption.node;
    deps_.tasks.spawn(carry_out(deps_, std::move(preemption)));
    return out;
  }

  PodInfoPtr pod_on(const std::string& node, const std::string& uid) const {
    const NodeInfo* info = deps_.cache.find(node);
    if (info == nullptr) return nullptr;
    const auto found = std::ranges::find(info->pods, uid, [](const PodInfoPtr& pod) { return pod->uid(); });
    return found == info->pods.end() ? nullptr : *found;
  }

  std::string not_eligible(const PodInfo& pod, const Diagnosis& diagnosis) const {
    if (pod.pod->spec.preemption_policy == "Never") return "not eligible due to preemptionPolicy=Never.";
    const std::string& nominated = pod.pod->status.nominated_node_name;
    const NodeInfo* node = nominated.empty() ? nullptr : deps_.cache.find(nominated);
    if (node == nullptr) return "";
    for (const NodeRejection& rejection : diagnosis.nodes)
      if (rejection.node == node && rejection.code == Code::UnschedulableAndUnresolvable) return "";  // no use waiting for it
    for (const PodInfoPtr& other : node->pods)
      if (other->priority < pod.priority && is_being_preempted(*other->pod)) return "not eligible due to a terminating pod on the nominated node.";
    return "";
  }
  static bool is_being_preempted(const Pod& pod) {
    if (!pod.metadata.deletion_timestamp) return false;
    return std::ranges::any_of(pod.status.conditions, [](const auto& c) {
      return c.type == "DisruptionTarget" && c.status == "True" && c.reason == "PreemptionByScheduler";
    });
  }

  // Tries the nodes that others could make room on, from a random one, until enough candidates are found.
  std::vector<Candidate> dry_run(CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis, std::vector<NodeRejection>& rejections,
                                 std::vector<CycleState>& kept) {
    std::vector<const NodeInfo*> nodes;
    for (const NodeRejection& rejection : diagnosis.nodes)
      if (rejection.code == Code::Unschedulable) nodes.push_back(rejection.node);
    if (diagnosis.nodes.empty() && diagnosis.absent_code == Code::Unschedulable) nodes = deps_.cache.nodes();
    std::vector<Candidate> out;
    if (nodes.empty()) return out;
    std::vector<BudgetPtr> budgets = budgets_.list();
    const std::size_t wanted = candidates_wanted(nodes.size(), percentage_, absolute_);
    const std::size_t offset = deps_.runtime.random().below(nodes.size());
    std::size_t without_violation = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const NodeInfo* node = nodes[(offset + i) % nodes.size()];
      NodeRejection rejection;
      rejection.node = node;
      Candidate candidate;
      rejection.code = select_victims(state, pod, *node, budgets, candidate, rejection.reasons, kept);
      if (rejection.code == Code::Success) {
        without_violation += candidate.budget_violations == 0;
        out.push_back(std::move(candidate));
        if (out.size() >= wanted && without_violation > 0) break;
      } else {
        rejections.push_back(rejection);
      }
    }
    return out;
  }

  Code select_victims(CycleState& real_state, const PodInfo& pod, const NodeInfo& real_node, std::span<const BudgetPtr> budgets, Candidate& out,
                      Reasons& reasons, std::vector<CycleState>& kept) {
    std::vector<PodInfoPtr> lower;
    for (const PodInfoPtr& other : real_node.pods)
      if (other->priority < pod.priority) lower.push_back(other);
    if (lower.empty()) {
      reasons.add("No preemption victims found for incoming pod");
      return Code::UnschedulableAndUnresolvable;
    }
    NodeInfo node = real_node;
    CycleState state = real_state.clone();
    for (const PodInfoPtr& other : lower) deps_.filters.remove_pod(state, pod, other, node);
    int plugin = -1;
    const Code code = deps_.filters.run_with_nominated(state, pod, node, reasons, plugin);
    if (code != Code::Success) {
      kept.push_back(std::move(state));
      return code;
    }
    std::ranges::sort(lower, [](const PodInfoPtr& a, const PodInfoPtr& b) { return more_important(*a, *b); });
    const std::vector<bool> violates = violates_budget(lower, budgets);
    out.node = real_node.name();
    // Each that may stay stays: first those that are protected, the important before the others.
    for (const bool protected_ones : {true, false})
      for (std::size_t i = 0; i < lower.size(); ++i) {
        if (violates[i] != protected_ones) continue;
        deps_.filters.add_pod(state, pod, lower[i], node);
        Reasons ignored;
        if (deps_.filters.run_with_nominated(state, pod, node, ignored, plugin) == Code::Success) continue;
        deps_.filters.remove_pod(state, pod, lower[i], node);
        out.victims.push_back(lower[i]);
        out.budget_violations += violates[i];
      }
    std::ranges::sort(out.victims, [](const PodInfoPtr& a, const PodInfoPtr& b) { return more_important(*a, *b); });
    return Code::Success;
  }

  PluginDeps deps_;
  client::Informer<PodDisruptionBudget> budgets_;
  const int32_t percentage_, absolute_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_default_preemption(const PluginDeps& deps, const std::string& args) {
  TRY_ASSIGN(const auto parsed, parse_args<api::kubeschedulerconfig_v1::DefaultPreemptionArgs>(args));
  const int32_t percentage = parsed.min_candidate_nodes_percentage.value_or(10), absolute = parsed.min_candidate_nodes_absolute.value_or(100);
  if (percentage < 0 || percentage > 100)
    return bad_request("minCandidateNodesPercentage: Invalid value: " + std::to_string(percentage) + ": not in valid range [0, 100]");
  if (absolute < 0 || (absolute == 0 && percentage == 0))
    return bad_request("minCandidateNodesAbsolute: Invalid value: " + std::to_string(absolute) + ": not in valid range (0, inf)");
  return std::make_unique<DefaultPreemption>(deps, percentage, absolute);
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/default_preemption/default_preemption.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/cache/cache.h"
#include "scheduler/extenders/extenders.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/metrics.h"
#include "scheduler/framework/plugin_args.h"
#include "scheduler/plugins/default_preemption/dry_run.h"
#include "scheduler/plugins/default_preemption/eviction.h"
#include "scheduler/plugins/default_preemption/plan.h"

namespace pintle::scheduler::plugins {

namespace {

using api::policy_v1::PodDisruptionBudget;

class DefaultPreemption final : public Plugin, public PreEnqueuePlugin, public PostFilterPlugin {
 public:
  DefaultPreemption(const PluginDeps& deps, int32_t percentage, int32_t absolute)
      : deps_(deps),
        budgets_(deps.informers.of<PodDisruptionBudget>()),
        percentage_(percentage),
        absolute_(absolute),
        dry_run_(deps.cache, deps.filters),
        gates_pods_(deps.gates.enabled("SchedulerAsyncPreemption")) {
    client::Informer<PodDisruptionBudget>::Handler handler;
    handler.on_add = [this](const auto&, bool) { dry_run_.forget(); };
    handler.on_update = [this](const auto&, const auto&) { dry_run_.forget(); };
    handler.on_delete = [this](const auto&) { dry_run_.forget(); };
    budgets_.add_handler(std::move(handler));
  }

  // Else the end of one victim would have the pod look for others.
  PluginStatus pre_enqueue(const PodInfo& pod) override {
    if (!gates_pods_ || !preempting_->contains(pod.uid())) return {};
    return PluginStatus::of(Code::UnschedulableAndUnresolvable, "waiting for the preemption for this pod to be finished");
  }

  PostFilterResult post_filter(CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis) override {
    PostFilterResult out;
    const Candidate* best = best_for(state, pod, diagnosis, out, nullptr);
    return best == nullptr ? out : preempt(pod, *best);
  }

  rt::Task<PostFilterResult> post_filter_with(rt::Context ctx, CycleState& state, PodInfoPtr pod, const Diagnosis& diagnosis,
                                              const extenders::Extenders& extenders) override {
    PostFilterResult out;
    std::vector<Candidate> candidates;
    if (best_for(state, *pod, diagnosis, out, &candidates) == nullptr) co_return out;
    if (extenders.take_part_in_preemption(*pod->pod)) {
      extenders::VictimsByNode victims;
      for (Candidate& candidate : candidates) victims[candidate.node] = {std::move(candidate.victims), candidate.budget_violations};
      const auto find = [this](const std::string& node, const std::string& uid) { return pod_on(node, uid); };
      auto left = co_await extenders.preempt(std::move(ctx), pod->pod, std::move(victims), find, deps_.whole_pod);
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
  // Where pods make room at the least cost; nullptr: nowhere, and `out` says why. `all`, if given, gets every candidate.
  const Candidate* best_for(const CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis, PostFilterResult& out,
                            std::vector<Candidate>* all) {
    deps_.metrics.preemption_attempts.with({}).add();
    if (const std::string why = not_eligible(pod, diagnosis); !why.empty()) {
      out.status = PluginStatus::of(Code::Unschedulable, "preemption: " + why);
      return nullptr;
    }
    ReasonCounts rejections;
    const Candidate* best = dry_run(state, pod, diagnosis, rejections, all);
    if (best == nullptr) {
      const std::string why = rejections.text(diagnosis.node_count, "Preemption is not helpful for scheduling");
      out.status = PluginStatus::of(Code::Unschedulable, "preemption: 0/" + std::to_string(diagnosis.node_count) +
                                                             " nodes are available:" + (why.empty() ? "" : " " + why + "."));
      out.nominated_node = "";
    }
    return best;
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
    preempting_->insert(pod.uid());
    preemption.before_last = [preempting = preempting_, uid = pod.uid()] { preempting->erase(uid); };
    PostFilterResult out;
    out.nominated_node = preemption.node;
    deps_.tasks.spawn(carry_out(deps_, std::move(preemption)));
    return out;
  }

  PlacedPodPtr pod_on(const std::string& node, const std::string& uid) const {
    const NodeInfo* info = deps_.cache.find(node);
    if (info == nullptr) return nullptr;
    const auto found = std::ranges::find(info->pods, uid, [](const PlacedPodPtr& pod) { return pod->uid(); });
    return found == info->pods.end() ? nullptr : *found;
  }

  std::string not_eligible(const PodInfo& pod, const Diagnosis& diagnosis) const {
    if (pod.pod->spec.preemption_policy == "Never") return "not eligible due to preemptionPolicy=Never.";
    const std::string& nominated = pod.pod->status.nominated_node_name;
    const NodeInfo* node = nominated.empty() ? nullptr : deps_.cache.find(nominated);
    if (node == nullptr) return "";
    if (diagnosis.code_of(*node) == Code::UnschedulableAndUnresolvable) return "";  // no use waiting for it
    for (const PlacedPodPtr& other : node->pods)
      if (other->priority < pod.priority && other->preempted) return "not eligible due to a terminating pod on the nominated node.";
    return "";
  }

  // Tries the nodes that others could make room on, from a random one, until enough candidates are found.
  const Candidate* dry_run(const CycleState& state, const PodInfo& pod, const Diagnosis& diagnosis, ReasonCounts& rejections,
                           std::vector<Candidate>* all) {
    nodes_.clear();
    diagnosis.each([this](const NodeInfo* node, Code code, int, const Reasons&) {
      if (code == Code::Unschedulable) nodes_.push_back(node);
    });
    if (diagnosis.looked_at_none() && diagnosis.absent_code == Code::Unschedulable) nodes_ = deps_.cache.nodes();
    if (nodes_.empty()) return nullptr;
    const std::vector<BudgetPtr> budgets = budgets_.list();
    const DryRun::Limits limits{deps_.runtime.random().below(nodes_.size()), candidates_wanted(nodes_.size(), percentage_, absolute_)};
    return dry_run_.best(state, pod, nodes_, budgets, limits, rejections, all);
  }

  PluginDeps deps_;
  client::Informer<PodDisruptionBudget> budgets_;
  const int32_t percentage_, absolute_;
  DryRun dry_run_;
  std::vector<const NodeInfo*> nodes_;
  const bool gates_pods_;
  std::shared_ptr<std::set<std::string>> preempting_ = std::make_shared<std::set<std::string>>();  // uids, while victims are asked to go
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

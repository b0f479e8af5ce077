// The dry run with what it keeps, against the one that keeps nothing, and both against the published rules in their plainest form.
#include "scheduler/plugins/default_preemption/dry_run.h"

#include <gtest/gtest.h>

#include "scheduler/algorithm/algorithm.h"
#include "scheduler/testing/random_cluster.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace scheduler::testing;
using api::policy_v1::PodDisruptionBudget;

std::string text_of(const Candidate* candidate) {
  if (candidate == nullptr) return "none";
  std::string out = candidate->node + " " + std::to_string(candidate->budget_violations) + ":";
  for (const PlacedPodPtr& victim : candidate->victims) out += " " + victim->uid();
  return out;
}

// Whether resources, ports and the number of pods allow the pod beside these. Selectors, taints: the caller looks only at nodes where they do.
bool fits_beside(const PodInfo& pod, const NodeInfo& node, const std::vector<PlacedPodPtr>& others) {
  Resource used = pod.requests();
  for (const PlacedPodPtr& other : others) {
    used.add(other->requests());
    for (const HostPort& a : pod.demands->host_ports)
      for (const HostPort& b : other->demands->host_ports)
        if (clash(a, b)) return false;
  }
  const auto within = [&](std::string_view name) { return pod.requests().get(name) == 0 || used.get(name) <= node.allocatable.get(name); };
  return static_cast<int64_t>(others.size()) < node.allocatable.allowed_pods && within("cpu") && within("memory") && within("example.com/card");
}

// Upstream's rules: without all pods of lower priority the pod must fit; then they come back one by one, first those whose budget would be
// violated, each time the most important one that is left, as long as the pod still fits.
const Candidate* plain_candidate(const PodInfo& pod, const NodeInfo& node, const queue::Nominator& nominator, std::span<const BudgetPtr> budgets,
                                 Candidate& out) {
  std::vector<PlacedPodPtr> staying, lower;
  for (const PlacedPodPtr& other : node.pods) (other->priority < pod.priority ? lower : staying).push_back(other);
  for (const PodInfoPtr& other : nominator.on(node.name()))
    if (other->priority >= pod.priority && other->uid() != pod.uid()) staying.push_back(other);
  if (lower.empty() || !fits_beside(pod, node, staying)) return nullptr;
  std::ranges::sort(lower, [](const auto& a, const auto& b) { return more_important(*a, *b); });
  const std::vector<bool> violates = violates_budget(lower, budgets);
  out = {};
  out.node = node.name();
  for (const bool first : {true, false})
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (violates[i] != first) continue;
      staying.push_back(lower[i]);
      if (fits_beside(pod, node, staying)) continue;
      staying.pop_back();
      out.victims.push_back(lower[i]);
      out.budget_violations += first;
    }
  std::ranges::sort(out.victims, [](const auto& a, const auto& b) { return more_important(*a, *b); });
  return &out;
}

std::vector<BudgetPtr> random_budgets(RandomCluster& cluster) {
  std::vector<BudgetPtr> out;
  for (const char* app : {"web", "db", "none"}) {
    if (cluster.one_in(2)) continue;
    auto budget = std::make_shared<PodDisruptionBudget>();
    budget->metadata.namespace_ = "default";
    budget->spec.selector.emplace().match_labels["app"] = app;
    budget->status.disruptions_allowed = cluster.below(3);
    out.push_back(std::move(budget));
  }
  return out;
}

void check_same(uint64_t seed, int nodes, std::size_t wanted, int steps) {
  with_default_profile([&](Scene::World& world, const Profile&) {
    RandomCluster cluster(world, seed, nodes);
    SeededRandom random(seed);
    algorithm::Algorithm algorithm(world.cache, rt::Executor::current().runtime().clock(), random, world.metrics);
    DryRun kept(world.cache, world.filters), anew(world.cache, world.filters);
    std::vector<BudgetPtr> budgets;
    int found = 0, none = 0, plain = 0;
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      for (int changes = cluster.below(4); changes > 0; --changes) cluster.step();
      if (cluster.one_in(10)) {
        budgets = random_budgets(cluster);
        kept.forget();
      }
      PodInfoPtr pod = cluster.one_in(6) ? cluster.hopeful() : nullptr;
      if (pod == nullptr) pod = cluster.want();
      CycleState state;
      const algorithm::Placement placement = algorithm.schedule(world.filters, state, *pod, 0);
      if (placement.node != nullptr) {
        cluster.place(pod, placement.node->name());
        continue;
      }
      std::vector<const NodeInfo*> potential;
      algorithm.diagnosis().each([&](const NodeInfo* node, Code code, int, const Reasons&) {
        if (code == Code::Unschedulable) potential.push_back(node);
      });
      if (potential.empty()) continue;
      const DryRun::Limits limits{static_cast<std::size_t>(cluster.below(static_cast<int>(potential.size()))), wanted};
      ReasonCounts why, why_anew;
      std::vector<Candidate> all, all_anew;
      const Candidate* got = kept.best(state, *pod, potential, budgets, limits, why, &all);
      const Candidate* want = anew.best_anew(state, *pod, potential, budgets, limits, why_anew, &all_anew);
      ASSERT_EQ(text_of(got), text_of(want)) << "step " << step << " of seed " << seed;
      if (got == nullptr) {
        ASSERT_EQ(why.text(potential.size(), "else"), why_anew.text(potential.size(), "else"));
      }
      ASSERT_EQ(all.size(), all_anew.size());
      for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(text_of(&all[i]), text_of(&all_anew[i]));
      if (world.filters.only_kept(state)) {
        std::vector<Candidate> candidates;
        bool well = false;
        for (std::size_t i = 0; i < potential.size() && (candidates.size() < wanted || !well); ++i) {
          Candidate candidate;
          if (plain_candidate(*pod, *potential[(limits.first + i) % potential.size()], world.nominator, budgets, candidate) == nullptr) continue;
          well |= candidate.budget_violations == 0;
          candidates.push_back(std::move(candidate));
        }
        ASSERT_EQ(text_of(got), candidates.empty() ? "none" : text_of(&best_candidate(candidates))) << "step " << step << " of seed " << seed;
        ++plain;
      }
      ++(got == nullptr ? none : found);
      if (got != nullptr && cluster.one_in(2)) {
        const Candidate chosen = *got;
        for (const PlacedPodPtr& victim : chosen.victims) world.cache.remove_pod(victim->uid());
        cluster.nominate(pod, chosen.node);
      }
    }
    EXPECT_GT(found, steps / 40);
    EXPECT_GT(none, steps / 100);
    EXPECT_GT(plain, steps / 40);
  });
}

TEST(DryRun, FindsWhatTheRulesSay) {
  const int steps = random_steps(1500);
  check_same(1, 10, 100, steps);
  check_same(2, 30, 5, steps);
  check_same(3, 60, 20, steps);
}

}  // namespace
}  // namespace pintle::scheduler::plugins

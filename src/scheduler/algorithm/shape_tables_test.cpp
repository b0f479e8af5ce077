// What is kept between the cycles of pods of one shape decides nothing: the same pods go the same ways without it.
#include "scheduler/algorithm/shape_tables.h"

#include <gtest/gtest.h>

#include "scheduler/algorithm/algorithm.h"
#include "scheduler/testing/random_cluster.h"

namespace pintle::scheduler::algorithm {
namespace {

using namespace testing;

std::vector<std::string> verdicts_of(const Diagnosis& diagnosis) {
  std::vector<std::string> out;
  diagnosis.each([&out](const NodeInfo* node, Code code, int plugin, const Reasons& reasons) {
    std::string line = node->name() + " " + std::string(code_name(code)) + " " + std::to_string(plugin);
    for (const std::string_view reason : reasons) line += "," + std::string(reason);
    out.push_back(std::move(line));
  });
  return out;
}

// The slow way: every filter of every node, every score.
Placement schedule_anew(Algorithm& algorithm, const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t percentage) {
  const Placement found = algorithm.find(filters, state, pod, percentage);
  return found.feasible == 0 || !found.error.ok() ? found : algorithm.choose(filters, state, pod, found, {});
}

void check_same(uint64_t seed, int nodes, int32_t percentage, int steps) {
  with_default_profile([&](Scene::World& world, const Profile&) {
    RandomCluster cluster(world, seed, nodes);
    rt::Clock& clock = rt::Executor::current().runtime().clock();
    SeededRandom one(seed), other(seed);
    Algorithm kept(world.cache, clock, one, world.metrics), anew(world.cache, clock, other, world.metrics);
    int placed = 0, rejected = 0;
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      for (int changes = cluster.below(4); changes > 0; --changes) cluster.step();
      PodInfoPtr pod = cluster.one_in(6) ? cluster.hopeful() : nullptr;
      if (pod == nullptr) pod = cluster.want();
      CycleState kept_state, anew_state;
      const Placement got = kept.schedule(world.filters, kept_state, *pod, percentage);
      const Placement want = schedule_anew(anew, world.filters, anew_state, *pod, percentage);
      ASSERT_EQ(got.node, want.node) << "step " << step << " of seed " << seed;
      ASSERT_EQ(got.feasible, want.feasible);
      ASSERT_EQ(got.evaluated, want.evaluated);
      ASSERT_EQ(kept.feasible(), anew.feasible());
      ASSERT_EQ(kept.next_start(), anew.next_start());
      if (got.node == nullptr) {
        ++rejected;
        ASSERT_EQ(verdicts_of(kept.diagnosis()), verdicts_of(anew.diagnosis())) << "step " << step << " of seed " << seed;
        ASSERT_EQ(kept.diagnosis().message(), anew.diagnosis().message());
        ASSERT_EQ(kept.diagnosis().unschedulable_plugins, anew.diagnosis().unschedulable_plugins);
        if (cluster.one_in(4)) cluster.nominate(pod, cluster.some_node());
      } else {
        ++placed;
        if (!cluster.one_in(5)) cluster.place(pod, got.node->name());
      }
    }
    EXPECT_GT(placed, steps / 20);
    EXPECT_GT(rejected, steps / 20);
  });
}

TEST(ShapeTables, DecideNothing) {
  const int steps = random_steps(1500);
  check_same(1, 12, 0, steps);
  check_same(2, 40, 0, steps);
  check_same(3, 150, 70, steps);  // a part of the nodes is enough
}

// Pods of two workloads that ask the same of a node share a table; what else tells them apart is no matter.
TEST(ShapeTables, AreOfWhatPodsNeed) {
  with_default_profile([](Scene::World& world, const Profile&) {
    world.cache.add_node(shared_node("n cpu=4 memory=8Gi pods=5"));
    ShapeTables tables(world.cache);
    const auto table_of = [&](const std::string& pod, const std::string& spec = "") {
      return &tables.of(world.filters, *make_pod_info(shared_pod(pod, spec)));
    };
    const ShapeTable* one = table_of("p app=a cpu=1");
    EXPECT_EQ(table_of("q ns=other app=b cpu=1", "{serviceAccountName: other, topologySpreadConstraints: [{topologyKey: zone}]}"), one);
    EXPECT_NE(table_of("p app=a cpu=2"), one);
    EXPECT_NE(table_of("p app=a cpu=1 port=80"), one);
    EXPECT_NE(table_of("p app=a cpu=1", "{priority: 1}"), one);
    EXPECT_NE(table_of("p app=a cpu=1", "{nodeSelector: {zone: a}}"), one);
    EXPECT_NE(table_of("p app=a cpu=1", "{tolerations: [{operator: Exists}]}"), one);
    EXPECT_NE(table_of("p app=a cpu=1",
                       "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
                       "[{matchExpressions: [{key: zone, operator: Exists}]}]}}}}"),
              one);
  });
}

TEST(ShapeTables, ForgetTheOldest) {
  with_default_profile([](Scene::World& world, const Profile&) {
    world.cache.add_node(shared_node("n cpu=4 memory=8Gi pods=5"));
    ShapeTables tables(world.cache);
    const auto table_of = [&](int i) -> ShapeTable& {
      return tables.of(world.filters, *make_pod_info(shared_pod("p app=" + std::to_string(i) + " cpu=" + std::to_string(i + 1) + "m")));
    };
    CycleState state;
    const PodInfoPtr pod = make_pod_info(shared_pod("p app=0 cpu=1m"));
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::unknown);
    NodeNames names;
    for (const auto& plugin : world.filters.profile().pre_filter)
      if (plugin.plugin->pre_filter(state, *pod, names).code == Code::Skip) state.skip_filter |= uint64_t{1} << plugin.index;
    EXPECT_EQ(tables.ask(table_of(0), state, *pod, *world.cache.find("n")), NodeVerdicts::fits);
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::fits);
    world.cache.touch_all();
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::unknown);
    EXPECT_EQ(tables.ask(table_of(0), state, *pod, *world.cache.find("n")), NodeVerdicts::fits);
    for (int i = 1; i < static_cast<int>(ShapeTables::tables_max); ++i) table_of(i);
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::fits);
    table_of(1000);  // in the place of 1
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::fits);
    for (int i = 1; i < static_cast<int>(ShapeTables::tables_max); ++i) table_of(i + 2000);
    table_of(3000);
    EXPECT_EQ(table_of(0).verdicts.at(0), NodeVerdicts::unknown);
  });
}

}  // namespace
}  // namespace pintle::scheduler::algorithm
